//! Formex 4, the format of the Publications Office: consolidated acts (`CONS.ACT`) and acts of the
//! Official Journal (`ACT`).

use std::path::Path;

use konform_terms::{Address, Digest, Instrument, InstrumentId, Language, Nature, Provision};
use roxmltree::{Document, Node, ParsingOptions};

use crate::{
    error::CorpusError,
    labels::{self, Part},
    text::{Text, fold, unique},
};

pub(crate) fn read(
    path: &Path,
    text: &str,
    source: Digest,
) -> Result<(Text, Vec<String>), CorpusError> {
    let malformed = |line: usize, problem: String, remedy: &str| CorpusError::Malformed {
        path: path.to_owned(),
        line,
        problem,
        remedy: remedy.to_owned(),
    };
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: 4_000_000,
        ..Default::default()
    };
    let xml = Document::parse_with_options(text, options).map_err(|error| {
        let line = error.pos().row as usize;
        malformed(
            line,
            format!("the XML is broken ({error})"),
            "Fetch the file again",
        )
    })?;
    let root = xml.root_element();
    let first = |name: &str| root.descendants().find(|node| node.has_tag_name(name));
    let language = first("LG.DOC")
        .or_else(|| first("LG.OJ"))
        .and_then(|node| node.text())
        .and_then(|code| code.trim().to_lowercase().parse::<Language>().ok())
        .ok_or_else(|| {
            malformed(
                1,
                "no LG.DOC names the language".into(),
                "Is this Formex 4?",
            )
        })?;
    let id = celex(root).ok_or_else(|| {
        malformed(
            1,
            "no number identifies the act".into(),
            "Is this Formex 4?",
        )
    })?;
    let version = first("INFO.CONSLEG")
        .and_then(|node| node.attribute("START.DATE"))
        .or_else(|| {
            root.descendants()
                .find(|n| n.has_tag_name("DATE"))
                .and_then(|n| n.attribute("ISO"))
        })
        .and_then(iso_date)
        .ok_or_else(|| {
            malformed(
                1,
                "no date says which version this is".into(),
                "Is this Formex 4?",
            )
        })?;
    let title = root
        .children()
        .flat_map(|node| std::iter::once(node).chain(node.children()))
        .find(|node| node.has_tag_name("TITLE"))
        .or_else(|| first("TITLE"))
        .map(|node| words(node))
        .unwrap_or_default();
    let instrument = Instrument {
        short_title: labels::short_title(&id, language),
        id: InstrumentId(id),
        language,
        version,
        title,
        nature: Nature::Official,
        format: "formex".to_owned(),
        source,
    };
    let mut reading = Reading {
        language,
        provisions: vec![],
        warnings: vec![],
        annexes: 0,
    };
    reading.walk(root, None);
    if reading.provisions.is_empty() {
        return Err(malformed(
            1,
            "there is no article in it".into(),
            "Only acts are imported, no corrigenda",
        ));
    }
    Ok((Text::new(instrument, reading.provisions), reading.warnings))
}

/// The CELEX number of the act: stated, or made of the number, year and kind of the act.
fn celex(root: Node<'_, '_>) -> Option<String> {
    let stated = root
        .descendants()
        .find(|node| node.has_tag_name("NO.CELEX"));
    if let Some(number) = stated.and_then(|node| node.text()) {
        return Some(number.trim().to_owned());
    }
    let number = root
        .descendants()
        .find(|node| node.has_tag_name("NO.DOC"))?;
    let part = |name: &str| {
        number
            .descendants()
            .find(|node| node.has_tag_name(name))?
            .text()
            .map(str::trim)
    };
    let title = root
        .descendants()
        .find(|node| node.has_tag_name("TITLE"))
        .map(words)?;
    let title = title.to_lowercase();
    let kind = if ["directive", "richtlinie"]
        .iter()
        .any(|word| title.starts_with(word))
    {
        'L'
    } else if ["decision", "décision", "beschluss"]
        .iter()
        .any(|word| title.starts_with(word))
    {
        'D'
    } else {
        'R'
    };
    let current: u32 = part("NO.CURRENT")?.parse().ok()?;
    Some(format!("3{}{kind}{current:04}", part("YEAR")?))
}

fn iso_date(digits: &str) -> Option<String> {
    let fine = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fine.then(|| format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

struct Reading {
    language: Language,
    provisions: Vec<Provision>,
    warnings: Vec<String>,
    annexes: usize,
}

impl Reading {
    fn walk(&mut self, node: Node<'_, '_>, parent: Option<&Address>) {
        for child in node.children().filter(Node::is_element) {
            match child.tag_name().name() {
                "DIVISION" => {
                    let address = self.division(child, parent);
                    self.walk(child, Some(&address));
                }
                "ARTICLE" => self.article(child, parent),
                "CONSID" => self.recital(child),
                "CONS.ANNEX" | "ANNEX" => self.annex(child),
                // What an act quotes in order to amend another is not its own.
                "QUOT.S" | "BIB.INSTANCE" | "FAM.COMP" | "GR.MOD.ACT" | "TITLE" | "NOTE" => {}
                _ => self.walk(child, parent),
            }
        }
    }

    fn division(&mut self, node: Node<'_, '_>, parent: Option<&Address>) -> Address {
        let title = child(node, "TITLE");
        let label = title
            .and_then(|title| child(title, "TI"))
            .map(words)
            .unwrap_or_default();
        let heading = title
            .and_then(|title| child(title, "STI"))
            .map(words)
            .unwrap_or_default();
        let number = label.split_whitespace().last().unwrap_or("x").to_owned();
        let kind = match label.to_lowercase() {
            label if label.starts_with("se") || label.starts_with("abs") => "sec",
            label if label.starts_with("t") => "title",
            _ => "chp",
        };
        let own = format!("{kind}_{}", labels::slug(&number).to_uppercase());
        let address = parent.map_or(own.clone(), |parent| format!("{parent}__{own}"));
        let address = unique(&self.provisions, address, &mut self.warnings);
        self.push(
            address.clone(),
            label,
            parent.cloned(),
            heading,
            String::new(),
        );
        address
    }

    fn article(&mut self, node: Node<'_, '_>, parent: Option<&Address>) {
        let printed = child(node, "TI.ART").map(words).unwrap_or_default();
        // The identifier has leading zeros; inserted articles have letters: 075A is 75a.
        let number = node
            .attribute("IDENTIFIER")
            .map(|id| id.trim_start_matches('0').to_lowercase())
            .filter(|number| !number.is_empty())
            .unwrap_or_else(|| labels::slug(printed.split_whitespace().last().unwrap_or("x")));
        let heading = child(node, "STI.ART").map(words).unwrap_or_default();
        let address = format!("art_{}", labels::slug(&number));
        let address = unique(&self.provisions, address, &mut self.warnings);
        let label = labels::article(self.language, &number, &[]);
        self.push(
            address.clone(),
            label,
            parent.cloned(),
            heading,
            String::new(),
        );
        let mut place = Place {
            article: number,
            parts: vec![],
            address,
        };
        self.content(node, &mut place);
    }

    /// Reads what stands in an article, paragraph or point: text of its own, and its parts.
    fn content(&mut self, node: Node<'_, '_>, place: &mut Place) {
        for one in node.children().filter(Node::is_element) {
            match one.tag_name().name() {
                "TI.ART" | "STI.ART" | "NO.PARAG" | "NO.P" | "TITLE" | "NOTE" => {}
                "PARAG" => {
                    let number = child(one, "NO.PARAG").map(words).unwrap_or_default();
                    let number = number
                        .trim_matches(|c: char| !c.is_alphanumeric())
                        .to_owned();
                    self.part(one, place, Part::Paragraph(number));
                }
                "ITEM" | "NP" if child(numbered(one), "NO.P").is_some() => {
                    let number = child(numbered(one), "NO.P").map(words).unwrap_or_default();
                    let number = number
                        .trim_matches(|c: char| !c.is_alphanumeric())
                        .to_owned();
                    if number.is_empty() {
                        // Dashes and bullets have no address: they belong to what they stand in.
                        self.add(place, &words(one));
                    } else {
                        self.part(numbered(one), place, Part::Point(number));
                    }
                }
                "P" | "TXT" if one.descendants().all(|n| !is_structure(n)) => {
                    self.add(place, &words(one));
                }
                "TBL" | "QUOT.S" | "FORMULA" => self.add(place, &words(one)),
                _ => {
                    if one.descendants().any(is_structure) || one.has_children() {
                        let direct: String = one
                            .children()
                            .filter(|n| n.is_text())
                            .filter_map(|n| n.text())
                            .collect();
                        if direct.trim().is_empty() {
                            self.content(one, place);
                        } else {
                            self.add(place, &words(one));
                        }
                    }
                }
            }
        }
    }

    fn part(&mut self, node: Node<'_, '_>, place: &Place, part: Part) {
        let address = format!("{}__{}", place.address, part.address());
        let address = unique(&self.provisions, address, &mut self.warnings);
        let mut parts = place.parts.clone();
        parts.push(part);
        let label = match place.article.as_str() {
            "" => format!("{}", self.annex_label(&place.address, &parts)),
            number => labels::article(self.language, number, &parts),
        };
        let parent = Some(place.address.clone());
        self.push(address.clone(), label, parent, String::new(), String::new());
        let mut below = Place {
            article: place.article.clone(),
            parts,
            address,
        };
        self.content(node, &mut below);
    }

    /// Adds text to a provision. What follows after its parts is its own too.
    fn add(&mut self, place: &Place, text: &str) {
        let own = self
            .provisions
            .iter_mut()
            .find(|one| one.address == place.address);
        if let Some(own) = own {
            own.text = fold(&format!("{} {text}", own.text));
        }
    }

    fn recital(&mut self, node: Node<'_, '_>) {
        let np = child(node, "NP").unwrap_or(node);
        let number = child(np, "NO.P").map(words).unwrap_or_default();
        let number = number
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_owned();
        let address = unique(
            &self.provisions,
            format!("rec_{}", labels::slug(&number)),
            &mut self.warnings,
        );
        let label = match self.language {
            Language::FR => format!("considérant {number}"),
            Language::DE => format!("Erwägungsgrund {number}"),
            _ => format!("Recital {number}"),
        };
        let text = child(np, "TXT").map_or_else(|| words(np), words);
        self.push(address, label, None, String::new(), text);
    }

    fn annex(&mut self, node: Node<'_, '_>) {
        self.annexes += 1;
        let title = child(node, "TITLE");
        let label = title
            .and_then(|title| child(title, "TI"))
            .map(words)
            .unwrap_or_default();
        let heading = title
            .and_then(|title| child(title, "STI"))
            .map(words)
            .unwrap_or_default();
        let number = label
            .split_whitespace()
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let number = if number.is_empty() {
            self.annexes.to_string()
        } else {
            number
        };
        let address = format!("anx_{}", labels::slug(&number).to_uppercase());
        let address = unique(&self.provisions, address, &mut self.warnings);
        self.push(address.clone(), label, None, heading, String::new());
        let mut place = Place {
            article: String::new(),
            parts: vec![],
            address,
        };
        for one in node
            .children()
            .filter(|one| one.is_element() && !one.has_tag_name("TITLE"))
        {
            self.content(one, &mut place);
        }
    }

    fn annex_label(&self, address: &Address, parts: &[Part]) -> String {
        let annex = address.as_str().split("__").next().unwrap_or_default();
        let annex = self
            .provisions
            .iter()
            .find(|one| one.address.as_str() == annex);
        let mut label = annex.map(|one| one.label.clone()).unwrap_or_default();
        for part in parts {
            let (Part::Paragraph(number) | Part::Point(number)) = part;
            label.push_str(&format!("({number})"));
        }
        label
    }

    fn push(
        &mut self,
        address: Address,
        label: String,
        parent: Option<Address>,
        heading: String,
        text: String,
    ) {
        self.provisions.push(Provision {
            address,
            label,
            parent,
            heading,
            text,
        });
    }
}

/// Where in an article or annex the reading is; `article` is empty in annexes.
struct Place {
    article: String,
    parts: Vec<Part>,
    address: Address,
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// The element of an item that holds its number.
fn numbered<'a, 'i>(item: Node<'a, 'i>) -> Node<'a, 'i> {
    child(item, "NP").unwrap_or(item)
}

fn is_structure(node: Node<'_, '_>) -> bool {
    matches!(
        node.tag_name().name(),
        "PARAG" | "ITEM" | "LIST" | "ARTICLE" | "NP"
    )
}

/// The words of an element: quotation marks as characters, no notes, white space folded.
fn words(node: Node<'_, '_>) -> String {
    let mut text = String::new();
    collect(node, &mut text);
    fold(&text)
}

fn collect(node: Node<'_, '_>, text: &mut String) {
    for child in node.children() {
        if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        } else if child.is_element() {
            match child.tag_name().name() {
                "NOTE" => {}
                "QUOT.START" | "QUOT.END" => {
                    let code = child
                        .attribute("CODE")
                        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                    text.push(code.and_then(char::from_u32).unwrap_or('"'));
                }
                // These stand on lines of their own.
                "P" | "TXT" | "ITEM" | "NP" | "NO.P" | "CELL" | "ALINEA" | "TI" | "STI"
                | "PARAG" | "NO.PARAG" => {
                    text.push(' ');
                    collect(child, text);
                    text.push(' ');
                }
                _ => collect(child, text),
            }
        }
    }
}
