use std::ops::Range;

use konform_terms::{Digest, Document, Format, Language, Segment, SegmentKind, Span};

use crate::{language, sentences};

/// Makes a document of text that stays as it is, byte for byte, for labelled sets that point into
/// it.
///
/// It is cut into segments within `blocks`, which have to lie in the text on the borders of
/// characters and in order; where there are none, within its paragraphs, which blank lines
/// separate. Without a `language` it is found as for a file.
///
/// # Panics
/// Where a block does not lie in the text.
#[must_use]
pub fn verbatim(
    text: String,
    shown: &str,
    blocks: &[Span],
    language: Option<Language>,
) -> Document {
    let language = language.or_else(|| language::detect(&text));
    let blocks: Vec<Range<usize>> = if blocks.is_empty() {
        paragraphs(&text)
    } else {
        blocks.iter().map(|block| block.start..block.end).collect()
    };
    let mut segments = Vec::new();
    for block in blocks {
        for range in sentences::split(&text[block.clone()], language) {
            segments.push(Segment {
                span: Span::new(block.start + range.start, block.start + range.end),
                kind: SegmentKind::Sentence,
                page: None,
                heading_path: vec![],
            });
        }
    }
    Document {
        path: shown.to_owned(),
        format: Format::Text,
        digest: Digest::of(&text),
        language,
        text,
        pages: vec![],
        segments,
        warnings: vec![],
    }
}

fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            found.push(start..at);
            start = at + line.len();
        }
        at += line.len();
    }
    found.push(start..text.len());
    found.retain(|range| !range.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotes(text: &str, blocks: &[Span]) -> Vec<String> {
        let document = verbatim(text.to_owned(), "a", blocks, Some(Language::EN));
        assert_eq!(document.text, text);
        let segments = document.segments.iter();
        segments.map(|s| document.quote(s).to_owned()).collect()
    }

    #[test]
    fn paragraphs_are_cut_into_sentences() {
        assert_eq!(
            quotes("One is here. Two is\nthere.\n \n\nThree.", &[]),
            ["One is here.", "Two is\nthere.", "Three."]
        );
        assert!(quotes("", &[]).is_empty());
    }

    #[test]
    fn blocks_bound_the_segments() {
        let text = "Left out. The first part, and the second one.";
        let blocks = [Span::new(10, 25), Span::new(26, 45)];
        assert_eq!(
            quotes(text, &blocks),
            ["The first part,", "and the second one."]
        );
    }
}
