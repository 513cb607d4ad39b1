use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read, Seek},
};

use konform_terms::{Format, UnreadableReason, WarningKind};
use roxmltree::{Document as Xml, Node};

use crate::{
    Limits,
    draft::{BlockKind, Draft},
    error::Refusal,
    limits::megabytes,
    text::heading_level,
};

/// Deeper trees are no documents.
const DEEPEST: usize = 400;

/// The path of the part that holds the text, if the archive is a Word document.
pub(crate) fn main_part<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    limits: &Limits,
) -> Option<String> {
    let named = part(archive, "_rels/.rels", limits)
        .ok()
        .flatten()
        .and_then(|relations| {
            let xml = Xml::parse(&relations).ok()?;
            let relation = xml.descendants().find(|node| {
                node.attribute("Type")
                    .is_some_and(|kind| kind.ends_with("/officeDocument"))
            })?;
            Some(
                relation
                    .attribute("Target")?
                    .trim_start_matches('/')
                    .to_owned(),
            )
        });
    [named, Some("word/document.xml".to_owned())]
        .into_iter()
        .flatten()
        .find(|path| path.starts_with("word/") && archive.index_for_name(path).is_some())
}

/// Reads a Word document: the text as it stands once tracked changes are accepted.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Draft, Refusal> {
    let broken = |what: &str| {
        Refusal::new(
            UnreadableReason::Damaged,
            format!("{what}; get a fresh copy, or open it in a word processor and save it again"),
        )
    };
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken("the archive is broken"))?;
    let path = main_part(&mut archive, limits)
        .ok_or_else(|| broken("the archive holds no Word document"))?;
    let main = part(&mut archive, &path, limits)?
        .ok_or_else(|| broken("the text of the document is missing"))?;
    let main = Xml::parse(&main)
        .map_err(|error| broken(&format!("the text of the document is no XML ({error})")))?;
    let mut draft = Draft::new(Format::Docx);
    let headings = match part(&mut archive, "word/styles.xml", limits) {
        Ok(Some(styles)) => Xml::parse(&styles)
            .map(|xml| heading_styles(&xml))
            .unwrap_or_default(),
        Ok(None) => BTreeMap::new(),
        Err(refusal) if refusal.reason == UnreadableReason::TooLarge => return Err(refusal),
        Err(_) => BTreeMap::new(),
    };
    let body = main
        .root_element()
        .children()
        .find(|node| is(*node, "body"))
        .ok_or_else(|| broken("the document has no body"))?;
    add_blocks(body, &headings, &mut draft);
    for name in ["footnotes", "endnotes"] {
        let lost = |draft: &mut Draft| {
            draft.warn(
                WarningKind::Damaged,
                format!("the {name} cannot be unpacked and were left out; get a fresh copy"),
            );
        };
        match part(&mut archive, &format!("word/{name}.xml"), limits) {
            Ok(Some(notes)) => match Xml::parse(&notes) {
                Ok(xml) => {
                    let notes = xml.root_element().children();
                    // Those with a type are the lines between text and notes.
                    for note in notes.filter(|note| attribute(*note, "type").is_none()) {
                        add_blocks(note, &headings, &mut draft);
                    }
                }
                Err(_) => lost(&mut draft),
            },
            Ok(None) => {}
            Err(refusal) if refusal.reason == UnreadableReason::TooLarge => return Err(refusal),
            Err(_) => lost(&mut draft),
        }
    }
    Ok(draft)
}

/// Adds what stands in a part of the document.
fn add_blocks(parent: Node<'_, '_>, headings: &BTreeMap<String, u8>, draft: &mut Draft) {
    let mut walk = Walk {
        draft,
        headings,
        floating: Vec::new(),
        too_deep: false,
    };
    walk.blocks(parent, None, 0);
    if walk.too_deep {
        draft.warn(
            WarningKind::Damaged,
            format!("elements that nest more than {DEEPEST} deep were left out"),
        );
    }
}

/// Unpacks a part of the archive; nothing where it is absent.
fn part<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    path: &str,
    limits: &Limits,
) -> Result<Option<String>, Refusal> {
    let damaged = || {
        Refusal::new(
            UnreadableReason::Damaged,
            format!(
                "`{path}` in the archive cannot be unpacked; get a fresh copy, or save it again in a word processor"
            ),
        )
    };
    let Ok(packed) = archive.by_name(path) else {
        return if archive.index_for_name(path).is_some() {
            Err(damaged())
        } else {
            Ok(None)
        };
    };
    let mut bytes = Vec::new();
    packed
        .take(limits.unpacked_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| damaged())?;
    if bytes.len() as u64 > limits.unpacked_bytes {
        return Err(Refusal::new(
            UnreadableReason::TooLarge,
            format!(
                "`{path}` in the archive unfolds to more than the limit of {}; split the document, or raise the limit",
                megabytes(limits.unpacked_bytes)
            ),
        ));
    }
    Ok(Some(crate::decode::markup(&bytes).text))
}

/// The heading level of each paragraph style that has one, by its own outline level, its name in
/// some language, or the style it is based on.
fn heading_styles(styles: &Xml<'_>) -> BTreeMap<String, u8> {
    let mut levels = BTreeMap::new();
    let mut based_on = BTreeMap::new();
    for style in styles.descendants().filter(|node| is(*node, "style")) {
        let Some(id) = attribute(style, "styleId") else {
            continue;
        };
        let child = |name| style.children().find(|node| is(*node, name));
        let outline = style
            .descendants()
            .find(|node| is(*node, "outlineLvl"))
            .and_then(|node| attribute(node, "val")?.parse::<u8>().ok());
        let name = child("name")
            .and_then(|node| attribute(node, "val"))
            .unwrap_or(id);
        if let Some(outline) = outline {
            // Level 9 says that it is body text, whatever it is based on.
            levels.insert(id.to_owned(), if outline < 9 { outline + 1 } else { 0 });
        } else if let Some(level) = level_by_name(name).or_else(|| level_by_name(id)) {
            levels.insert(id.to_owned(), level);
        } else if let Some(parent) = child("basedOn").and_then(|node| attribute(node, "val")) {
            based_on.insert(id.to_owned(), parent.to_owned());
        }
    }
    let mut inherited = BTreeMap::new();
    for style in based_on.keys() {
        let mut seen = BTreeSet::new();
        let mut at = style;
        while seen.insert(at) {
            if let Some(&level) = levels.get(at) {
                inherited.insert(style.clone(), level);
                break;
            }
            let Some(parent) = based_on.get(at) else {
                break;
            };
            at = parent;
        }
    }
    levels.extend(inherited);
    levels.retain(|_, level| *level > 0);
    levels
}

/// The level that the name of a style says: `heading 2`, `Titre 1`, `Überschrift 3`.
fn level_by_name(name: &str) -> Option<u8> {
    const NAMES: [&str; 11] = [
        "heading",
        "titre",
        "überschrift",
        "berschrift",
        "titolo",
        "título",
        "ttulo",
        "kop",
        "rubrik",
        "iwwerschrëft",
        "encabezado",
    ];
    let name = name.to_lowercase();
    if matches!(
        name.as_str(),
        "title" | "titel" | "titre" | "titolo" | "título"
    ) {
        return Some(1);
    }
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let level = name[word.len()..].parse().ok()?;
    (NAMES.contains(&word.trim()) && (1..=9).contains(&level)).then_some(level)
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// An attribute by its local name; Word puts all of them into a namespace.
fn attribute<'x>(node: Node<'x, '_>, name: &str) -> Option<&'x str> {
    node.attributes()
        .find(|attribute| attribute.name() == name)
        .map(|attribute| attribute.value())
}

struct Walk<'d, 'x, 'i> {
    draft: &'d mut Draft,
    headings: &'d BTreeMap<String, u8>,
    /// Text boxes that were met within a paragraph; they follow it.
    floating: Vec<Node<'x, 'i>>,
    too_deep: bool,
}

impl<'x, 'i> Walk<'_, 'x, 'i>
where
    'i: 'x,
{
    /// Reads paragraphs and tables; `cell` is the row state where they stand in a cell.
    fn blocks(&mut self, parent: Node<'x, 'i>, mut cell: Option<&mut bool>, depth: usize) {
        if depth > DEEPEST {
            self.too_deep = true;
            return;
        }
        for node in shown_children(parent) {
            match node.tag_name().name() {
                "p" => self.paragraph(node, cell.as_deref_mut(), depth),
                "tbl" => self.table(node, cell.as_deref_mut(), depth),
                _ => self.blocks(node, cell.as_deref_mut(), depth + 1),
            }
        }
    }

    fn table(&mut self, table: Node<'x, 'i>, outer: Option<&mut bool>, depth: usize) {
        // A table within a cell is a part of the cell.
        if outer.is_some() {
            for node in shown_children(table) {
                self.rows(node, outer.is_some(), depth + 1);
            }
        } else {
            self.rows(table, false, depth + 1);
        }
    }

    fn rows(&mut self, parent: Node<'x, 'i>, inner: bool, depth: usize) {
        if depth > DEEPEST {
            self.too_deep = true;
            return;
        }
        if is(parent, "tr") {
            if is_deleted(parent) {
                return;
            }
            let mut first = !inner;
            self.cells(parent, &mut first, depth + 1);
            return;
        }
        for node in shown_children(parent) {
            self.rows(node, inner, depth + 1);
        }
    }

    fn cells(&mut self, parent: Node<'x, 'i>, first: &mut bool, depth: usize) {
        for node in shown_children(parent) {
            if is(node, "tc") {
                self.blocks(node, Some(first), depth + 1);
            } else if depth < DEEPEST {
                self.cells(node, first, depth + 1);
            }
        }
    }

    fn paragraph(&mut self, paragraph: Node<'x, 'i>, cell: Option<&mut bool>, depth: usize) {
        let mut text = String::new();
        self.runs(paragraph, &mut text, depth);
        let kind = match cell {
            Some(first) => {
                let kind = BlockKind::Cell { first: *first };
                *first &= text.trim().is_empty();
                kind
            }
            None => match self.kind(paragraph) {
                BlockKind::Heading(level) => BlockKind::Heading(level),
                kind => heading_by_look(paragraph, &text).map_or(kind, BlockKind::Heading),
            },
        };
        self.draft.push(kind, &text);
        for text_box in std::mem::take(&mut self.floating) {
            self.blocks(text_box, None, depth + 1);
        }
    }

    fn kind(&self, paragraph: Node<'x, 'i>) -> BlockKind {
        let Some(properties) = paragraph.children().find(|node| is(*node, "pPr")) else {
            return BlockKind::Paragraph;
        };
        let value = |name| {
            let node = properties.children().find(|node| is(*node, name))?;
            attribute(node, "val")
        };
        let outline = value("outlineLvl").and_then(|level| level.parse::<u8>().ok());
        let style = value("pStyle").and_then(|style| self.headings.get(style).copied());
        match outline.map(|level| level + 1).or(style) {
            Some(level @ 1..=9) => BlockKind::Heading(level),
            _ if properties.children().any(|node| is(node, "numPr")) => BlockKind::Item,
            _ => BlockKind::Paragraph,
        }
    }

    fn runs(&mut self, parent: Node<'x, 'i>, text: &mut String, depth: usize) {
        if depth > DEEPEST {
            self.too_deep = true;
            return;
        }
        for node in shown_children(parent) {
            match node.tag_name().name() {
                "t" => text.push_str(node.text().unwrap_or_default()),
                "tab" | "br" | "cr" | "ptab" => text.push(' '),
                "noBreakHyphen" => text.push('-'),
                "sym" => text.push('•'),
                "txbxContent" => self.floating.push(node),
                "pPr" | "rPr" | "instrText" | "delText" | "fldChar" => {}
                "r" if has_property(node, "vanish") => {}
                _ => self.runs(node, text, depth + 1),
            }
        }
    }
}

/// The level of a paragraph that has no heading style and looks like a heading: short, without a
/// full stop, and bold or worded like one.
fn heading_by_look(paragraph: Node<'_, '_>, text: &str) -> Option<u8> {
    let text = text.trim();
    let bold = || {
        let mut runs = paragraph
            .descendants()
            .filter(|node| {
                is(*node, "t") && node.text().is_some_and(|text| !text.trim().is_empty())
            })
            .filter_map(|node| node.parent())
            .peekable();
        runs.peek().is_some() && runs.all(|run| has_property(run, "b"))
    };
    let short = text.split_whitespace().count() <= 12 && !text.ends_with(['.', ',', ';', ':']);
    heading_level(text)
        .or_else(|| (short && text.chars().any(char::is_alphabetic) && bold()).then_some(3))
}

/// The children that count: no deleted words, and one of the alternatives that a text box comes in.
fn shown_children<'x, 'i>(parent: Node<'x, 'i>) -> impl Iterator<Item = Node<'x, 'i>> {
    let alternatives = is(parent, "AlternateContent");
    let chosen = parent.children().find(|node| is(*node, "Choice")).is_none();
    parent.children().filter(move |node| {
        node.is_element()
            && !matches!(node.tag_name().name(), "del" | "moveFrom" | "delText")
            && (!alternatives || !is(*node, "Fallback") || chosen)
    })
}

/// Whether a row was deleted while changes were tracked.
fn is_deleted(row: Node<'_, '_>) -> bool {
    row.children()
        .filter(|node| is(*node, "trPr"))
        .flat_map(|properties| properties.children())
        .any(|node| is(node, "del"))
}

/// Whether a run has a property that is on or off, such as bold or hidden.
fn has_property(run: Node<'_, '_>, name: &str) -> bool {
    run.children()
        .filter(|node| is(*node, "rPr"))
        .flat_map(|properties| properties.children())
        .any(|node| {
            is(node, name) && !matches!(attribute(node, "val"), Some("0" | "false" | "off"))
        })
}
