//! The words of Formex elements.

use roxmltree::{Document, Node};

use crate::text::fold;

/// Elements that stand on lines of their own: white space parts them from what is around them.
/// All others stand within a line.
const BLOCKS: [&str; 28] = [
    "ALINEA", "ARTICLE", "CELL", "CONSID", "CONTENTS", "CORPUS", "DIVISION", "GR.NOTES", "GR.SEQ",
    "ITEM", "LIST", "NO.P", "NO.PARAG", "NP", "P", "PARAG", "QUOT.S", "ROW", "STI", "STI.ART",
    "SUBDIV", "TBL", "TI", "TI.ART", "TITLE", "TXT", "FORMULA", "DLIST",
];

/// Whether an element stands on lines of its own, or something in it does.
pub(super) fn is_block(node: Node<'_, '_>) -> bool {
    let name = node.tag_name().name();
    name != "NOTE" && (BLOCKS.contains(&name) || node.children().any(is_block))
}

/// The words of an element: quotation marks as characters, no notes, white space folded.
pub(super) fn words(node: Node<'_, '_>) -> String {
    let mut text = String::new();
    collect(node, &mut text);
    fold(&text)
}

/// The words of an element that has a number (`NO.P`), without it.
pub(super) fn words_behind_number(node: Node<'_, '_>) -> String {
    let mut text = String::new();
    for child in node.children().filter(|child| !child.has_tag_name("NO.P")) {
        text.push(' ');
        push(child, &mut text);
    }
    fold(&text)
}

/// Adds a text or an element to a line.
pub(super) fn push(node: Node<'_, '_>, text: &mut String) {
    if node.is_text() {
        text.push_str(node.text().unwrap_or_default());
        return;
    }
    match node.tag_name().name() {
        "NOTE" | "GR.NOTES" => {}
        "QUOT.START" | "QUOT.END" => {
            let code = node
                .attribute("CODE")
                .and_then(|hex| u32::from_str_radix(hex, 16).ok());
            text.push(code.and_then(char::from_u32).unwrap_or('"'));
        }
        name if BLOCKS.contains(&name) => {
            text.push(' ');
            collect(node, text);
            text.push(' ');
        }
        _ => collect(node, text),
    }
}

fn collect(node: Node<'_, '_>, text: &mut String) {
    for child in node.children() {
        push(child, text);
    }
}

/// The first child of a name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// The number that an element begins with, without brackets and dots; `None` for dashes and
/// bullets.
pub(super) fn number(node: Node<'_, '_>, name: &str) -> Option<String> {
    let number = words(child(node, name)?);
    let number = number.trim_matches(|c: char| !c.is_alphanumeric());
    (!number.is_empty()).then(|| number.to_owned())
}

/// The first element that lies deeper than `limit`.
pub(super) fn deeper_than<'a, 'i>(xml: &'a Document<'i>, limit: usize) -> Option<Node<'a, 'i>> {
    // Parents come before their children.
    let mut depths = Vec::new();
    for node in xml.descendants() {
        let parent = node
            .parent()
            .and_then(|parent| depths.get(parent.id().get_usize()));
        let depth = parent.map_or(0, |depth| depth + 1);
        depths.push(depth);
        if depth > limit {
            return Some(node);
        }
    }
    None
}
