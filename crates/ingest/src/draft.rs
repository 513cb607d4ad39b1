use konform_terms::{Format, Warning, WarningKind};

/// What a format reader makes of a file: blocks in reading order.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) format: Format,
    pub(crate) blocks: Vec<Block>,
    /// How many pages the file has; 0 for formats without pages.
    pub(crate) pages: u32,
    pub(crate) warnings: Vec<Warning>,
}

impl Draft {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            blocks: Vec::new(),
            pages: 0,
            warnings: Vec::new(),
        }
    }

    /// Adds a block unless its text, once tidied, is empty.
    pub(crate) fn push(&mut self, kind: BlockKind, text: &str) {
        let text = tidy(text);
        if !text.is_empty() {
            self.blocks.push(Block {
                kind,
                text,
                pages: Vec::new(),
            });
        }
    }

    pub(crate) fn warn(&mut self, kind: WarningKind, message: impl Into<String>) {
        self.warnings.push(Warning {
            kind,
            message: message.into(),
        });
    }
}

/// A unit of text that no sentence crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    /// The words, with single spaces between them.
    pub(crate) text: String,
    /// The pages the block stands on, each with the offset in `text` where it begins.
    pub(crate) pages: Vec<(usize, u32)>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// A heading and its level, 1 being the outermost.
    Heading(u8),
    /// A paragraph of running text.
    Paragraph,
    /// An item of a list.
    Item,
    /// A cell of a table.
    Cell {
        /// Whether a row begins with it.
        first: bool,
    },
}

/// Brings text into the one form in which it is quoted: composed characters, single spaces, no
/// ligatures, no soft hyphens, no characters that cannot be seen.
pub(crate) fn tidy(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;

    let mut tidy = String::with_capacity(text.len());
    let mut space = false;
    let unfolded = text.chars().flat_map(|character| {
        let ligature = is_presentation_form(character);
        let parts = ligature.then(|| std::iter::once(character).nfkc());
        parts
            .into_iter()
            .flatten()
            .chain((!ligature).then_some(character))
    });
    for character in unfolded.nfc() {
        if character.is_whitespace() {
            space = true;
        } else if is_visible(character) && (!is_joiner(character) || joins(&tidy)) {
            if space && !tidy.is_empty() {
                tidy.push(' ');
            }
            space = false;
            tidy.push(character);
        }
    }
    tidy
}

/// Whether a character steers how its neighbours join, and is not seen itself.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// Whether a text ends with a letter of a script that joins its letters.
fn joins(text: &str) -> bool {
    text.ends_with(|c: char| ('\u{600}'..'\u{1e00}').contains(&c))
}

/// Whether a character is a shape of letters (`ﬁ`, Arabic forms) rather than letters.
fn is_presentation_form(character: char) -> bool {
    matches!(character, '\u{fb00}'..='\u{fdfb}' | '\u{fe70}'..='\u{fefc}')
}

/// Whether a character can be seen, or steers how letters of a script that joins them do so.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{ad}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffc}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_form() {
        for (text, want) in [
            ("  a \n\t b ", "a b"),
            ("e\u{301}te\u{301}", "été"),
            ("o\u{fb03}ce", "office"),
            ("Daten\u{ad}schutz", "Datenschutz"),
            ("Art.\u{a0}5\u{202f}%", "Art. 5 %"),
            ("a\u{202e}b\u{200b}c\u{feff}", "abc"),
            ("m² ½ …", "m² ½ …"),
            ("\u{fefb}", "لا"),
            ("a\u{200d}b", "ab"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("", ""),
        ] {
            assert_eq!(tidy(text), want, "{text:?}");
        }
    }
}
