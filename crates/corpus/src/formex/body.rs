//! Divisions, articles, recitals and annexes of a Formex file.

use roxmltree::Node;

use super::words::{child, is_block, number, push, words, words_behind_number};
use crate::{
    labels::{self, Part, Unit},
    outline::Outline,
};

/// Reads all that is numbered below an element into the outline.
pub(super) fn read(root: Node<'_, '_>, outline: &mut Outline) {
    Reading { outline }.walk(root, None);
}

struct Reading<'o> {
    outline: &'o mut Outline,
}

/// Where the text goes that comes next.
///
/// A provision holds its text up to its first part. Unnumbered text that comes later is a
/// provision of its own, a subparagraph or the closing words, so that every text can be found in
/// the law in one piece.
struct Cursor {
    /// The provision that is read.
    own: usize,
    /// The provision that takes text and parts now: `own`, or what was opened behind its parts.
    at: usize,
    /// Whether `at` has parts already.
    closed: bool,
    /// Whether an unnumbered paragraph began since.
    fresh: bool,
    /// How many unnumbered paragraphs began in `own`.
    paragraphs: usize,
    /// How many closing words `own` has.
    wrap_ups: usize,
    /// How many rows of tables `own` has.
    rows: usize,
}

impl Cursor {
    fn new(own: usize) -> Self {
        Self {
            own,
            at: own,
            closed: false,
            fresh: false,
            paragraphs: 0,
            wrap_ups: 0,
            rows: 0,
        }
    }
}

impl Reading<'_> {
    fn walk(&mut self, node: Node<'_, '_>, division: Option<usize>) {
        for one in node.children().filter(Node::is_element) {
            match one.tag_name().name() {
                "DIVISION" => {
                    let (label, heading) = titles(one);
                    let own = self.outline.division(&label, &heading, division);
                    self.walk(one, Some(own));
                }
                "ARTICLE" => self.article(one, division),
                "CONSID" => self.recital(one),
                "CONS.ANNEX" | "ANNEX" => self.annex(one),
                // What an act says of other acts, or quotes of them, is not its own.
                "QUOT.S" | "BIB.INSTANCE" | "FAM.COMP" | "TITLE" | "NOTE" => {}
                _ => self.walk(one, division),
            }
        }
    }

    fn article(&mut self, node: Node<'_, '_>, division: Option<usize>) {
        let printed = child(node, "TI.ART").map(words).unwrap_or_default();
        let printed = printed
            .split_once(' ')
            .map_or("", |(_, number)| number)
            .trim();
        // The identifier has leading zeros; inserted articles have letters: 075A is 75a.
        let stated = node
            .attribute("IDENTIFIER")
            .unwrap_or_default()
            .trim_start_matches('0');
        let number = if printed.starts_with(|c: char| c.is_ascii_digit()) || stated.is_empty() {
            printed.to_owned()
        } else {
            stated.to_lowercase()
        };
        let heading = child(node, "STI.ART").map(words).unwrap_or_default();
        let own = self.outline.unit(Unit::Article(number), &heading, division);
        self.content(node, &mut Cursor::new(own));
    }

    fn recital(&mut self, node: Node<'_, '_>) {
        let numbered = child(node, "NP").unwrap_or(node);
        let number = number(numbered, "NO.P").unwrap_or_default();
        let own = self.outline.unit(Unit::Recital(number), "", None);
        self.outline.add(own, &words_behind_number(numbered));
    }

    fn annex(&mut self, node: Node<'_, '_>) {
        let (title, subtitle) = titles(node);
        let mut parts = title.splitn(3, ' ').skip(1);
        let is_number = |word: &&str| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            !word.is_empty() && word.len() <= 6 && !word.chars().any(char::is_lowercase)
        };
        let number = parts.next().filter(is_number).unwrap_or_default();
        let rest = parts.next().unwrap_or_default();
        let heading = if subtitle.is_empty() { rest } else { &subtitle };
        let own = self
            .outline
            .unit(Unit::Annex(number.to_owned()), heading, None);
        self.content(node, &mut Cursor::new(own));
    }

    /// Reads what stands in a provision: its text and its parts, in their order.
    fn content(&mut self, node: Node<'_, '_>, cursor: &mut Cursor) {
        let mut line = String::new();
        for one in node.children() {
            if one.is_text() || (one.is_element() && !is_block(one)) {
                push(one, &mut line);
                continue;
            }
            if !one.is_element() {
                continue;
            }
            self.text(cursor, &std::mem::take(&mut line));
            match one.tag_name().name() {
                "TI.ART" | "STI.ART" | "NO.PARAG" | "NO.P" | "TITLE" | "GR.NOTES" | "NOTE" => {}
                "PARAG" => match number(one, "NO.PARAG") {
                    Some(number) => self.part(one, cursor, Part::Paragraph(number)),
                    None => self.content(one, cursor),
                },
                "NP" => match number(one, "NO.P") {
                    Some(number) => self.part(one, cursor, Part::Point(number)),
                    // Dashes and bullets have no address: they belong to what they stand in.
                    None => self.text(cursor, &words(one)),
                },
                "ALINEA" => {
                    cursor.paragraphs += 1;
                    cursor.fresh = true;
                    self.content(one, cursor);
                }
                "QUOT.S" => self.text(cursor, &words(one)),
                "GR.SEQ" => self.group(one, cursor),
                "ROW" => self.row(one, cursor),
                _ => self.content(one, cursor),
            }
        }
        self.text(cursor, &line);
    }

    /// Adds text where it belongs.
    fn text(&mut self, cursor: &mut Cursor, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let continued = cursor.at != cursor.own;
        if cursor.closed || (continued && cursor.fresh) {
            let part = if cursor.fresh {
                Part::Subparagraph(cursor.paragraphs)
            } else {
                cursor.wrap_ups += 1;
                Part::WrapUp(cursor.wrap_ups)
            };
            cursor.at = self.outline.part(cursor.own, part, "");
            cursor.closed = false;
        }
        cursor.fresh = false;
        self.outline.add(cursor.at, text);
    }

    /// Reads a numbered part.
    fn part(&mut self, node: Node<'_, '_>, cursor: &mut Cursor, part: Part) {
        if cursor.closed && cursor.fresh {
            let part = Part::Subparagraph(cursor.paragraphs);
            cursor.at = self.outline.part(cursor.own, part, "");
        }
        cursor.fresh = false;
        let own = self.outline.part(cursor.at, part, "");
        self.content(node, &mut Cursor::new(own));
        cursor.closed = true;
    }

    /// Reads a part of an annex with a title of its own: `Section A`, `3. Overview`.
    fn group(&mut self, node: Node<'_, '_>, cursor: &mut Cursor) {
        let (title, subtitle) = titles(node);
        if title.is_empty() {
            return self.content(node, cursor);
        }
        let numbered = child(node, "TITLE")
            .and_then(|title| child(title, "TI"))
            .and_then(|title| child(title, "NP"));
        let number = numbered.and_then(|numbered| number(numbered, "NO.P"));
        let (part, heading) = match (numbered.zip(number), labels::division(&title)) {
            (Some((numbered, number)), _) => (Part::Point(number), words_behind_number(numbered)),
            (None, Some((_, number, rest))) => (Part::Section(number), rest.to_owned()),
            (None, None) => {
                cursor.rows += 1;
                (Part::Section(cursor.rows.to_string()), title)
            }
        };
        let heading = format!("{heading} {subtitle}");
        let own = self.outline.part(cursor.own, part, &heading);
        self.content(node, &mut Cursor::new(own));
        cursor.closed = true;
    }

    /// Reads a row of a table; the head of the table is the lead-in of its rows.
    fn row(&mut self, node: Node<'_, '_>, cursor: &mut Cursor) {
        if node.attribute("TYPE") == Some("HEADER") {
            return self.text(cursor, &words(node));
        }
        let text = words(node);
        if text.is_empty() {
            return;
        }
        cursor.rows += 1;
        let own = self.outline.part(cursor.at, Part::Row(cursor.rows), "");
        self.outline.add(own, &text);
        cursor.closed = true;
    }
}

/// Title and subtitle of a division, annex or group.
fn titles(node: Node<'_, '_>) -> (String, String) {
    let title = child(node, "TITLE");
    let part = |name| {
        title
            .and_then(|title| child(title, name))
            .map(words)
            .unwrap_or_default()
    };
    (part("TI"), part("STI"))
}
