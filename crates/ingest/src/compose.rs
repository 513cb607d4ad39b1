use konform_terms::{
    Digest, Document, Segment, SegmentKind, Span, UnreadableReason, Warning, WarningKind,
};

use crate::{
    draft::{Block, BlockKind, Draft},
    error::Refusal,
    language, sentences,
};

/// A heading that is longer is a paragraph in disguise.
const LONGEST_HEADING: usize = 300;

/// Joins the blocks of a draft to the text of a document and cuts it into segments.
pub(crate) fn compose(draft: Draft, shown: &str, digest: Digest) -> Result<Document, Refusal> {
    let Draft {
        format,
        blocks,
        pages,
        mut warnings,
    } = draft;
    let mut text = String::new();
    let mut starts = vec![None; pages as usize];
    let mut places = Vec::with_capacity(blocks.len());
    let mut before = None;
    for block in &blocks {
        if let Some(before) = before {
            text.push_str(separator(before, block.kind));
        }
        before = Some(block.kind);
        let start = text.len();
        text.push_str(&block.text);
        places.push(start);
        for &(offset, page) in &block.pages {
            let slot = (page as usize)
                .checked_sub(1)
                .and_then(|page| starts.get_mut(page));
            if let Some(slot) = slot {
                slot.get_or_insert(start + offset);
            }
        }
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::new(
            UnreadableReason::Empty,
            "the file holds no words; check that it is the right one",
        ));
    }
    let language = language::detect(&text);
    if language.is_none() {
        warnings.push(Warning {
            kind: WarningKind::LanguageUnknown,
            message: "the language is uncertain; English rules were used to find sentences".into(),
        });
    }
    let mut document = Document {
        path: shown.to_owned(),
        format,
        digest,
        language,
        pages: page_starts(&starts, text.len()),
        text,
        segments: Vec::new(),
        warnings,
    };
    let mut headings: Vec<(u8, String)> = Vec::new();
    for (block, start) in blocks.iter().zip(places) {
        let (kind, level) = kind(block);
        if let Some(level) = level {
            headings.retain(|(outer, _)| *outer < level);
        }
        let heading_path: Vec<String> = headings.iter().map(|(_, text)| text.clone()).collect();
        let ranges = match kind {
            SegmentKind::Heading => std::iter::once(0..block.text.len()).collect(),
            _ => sentences::split(&block.text, language),
        };
        for range in ranges {
            document.segments.push(Segment {
                page: document.page(start + range.start),
                span: Span::new(start + range.start, start + range.end),
                kind,
                heading_path: heading_path.clone(),
            });
        }
        if let Some(level) = level {
            headings.push((level, block.text.clone()));
        }
    }
    Ok(document)
}

fn kind(block: &Block) -> (SegmentKind, Option<u8>) {
    match block.kind {
        BlockKind::Heading(level)
            if block.text.len() <= LONGEST_HEADING
                && block.text.chars().any(char::is_alphanumeric) =>
        {
            (SegmentKind::Heading, Some(level))
        }
        BlockKind::Cell { .. } => (SegmentKind::Cell, None),
        _ => (SegmentKind::Sentence, None),
    }
}

fn separator(before: BlockKind, block: BlockKind) -> &'static str {
    match (before, block) {
        (BlockKind::Cell { .. }, BlockKind::Cell { first: false }) => "\t",
        (BlockKind::Cell { .. }, BlockKind::Cell { first: true })
        | (BlockKind::Item, BlockKind::Item) => "\n",
        _ => "\n\n",
    }
}

/// Where each page begins; a page without text begins where the next one does.
fn page_starts(starts: &[Option<usize>], end: usize) -> Vec<usize> {
    let mut next = end;
    let mut pages: Vec<usize> = starts
        .iter()
        .rev()
        .map(|start| {
            next = start.unwrap_or(next).min(next);
            next
        })
        .collect();
    pages.reverse();
    if let Some(first) = pages.first_mut() {
        *first = 0;
    }
    pages
}

#[cfg(test)]
mod tests {
    use konform_terms::Format;

    use super::*;

    fn block(kind: BlockKind, text: &str, pages: &[(usize, u32)]) -> Block {
        Block {
            kind,
            text: text.into(),
            pages: pages.to_vec(),
        }
    }

    #[test]
    fn blocks_become_text_and_segments() {
        let mut draft = Draft::new(Format::Pdf);
        draft.pages = 3;
        draft.blocks = vec![
            block(BlockKind::Heading(1), "Transfers", &[(0, 1)]),
            block(
                BlockKind::Paragraph,
                "We transfer data. We tell you.",
                &[(0, 1), (18, 3)],
            ),
            block(BlockKind::Heading(2), "List", &[(0, 3)]),
            block(BlockKind::Item, "one", &[]),
            block(BlockKind::Item, "two", &[]),
            block(BlockKind::Cell { first: true }, "who", &[]),
            block(BlockKind::Cell { first: false }, "us", &[]),
            block(BlockKind::Cell { first: true }, "them", &[]),
            block(BlockKind::Heading(1), "End", &[]),
        ];
        let document = compose(draft, "a.pdf", Digest::of("")).unwrap();
        assert_eq!(document.pages, [0, 29, 29]);
        let lines: Vec<String> = document
            .segments
            .iter()
            .map(|segment| {
                let page = segment.page.unwrap();
                let path = segment.heading_path.join(" > ");
                format!(
                    "{page} {:?} [{path}] {}",
                    segment.kind,
                    document.quote(segment)
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        1 Heading [] Transfers
        1 Sentence [Transfers] We transfer data.
        3 Sentence [Transfers] We tell you.
        3 Heading [Transfers] List
        3 Sentence [Transfers > List] one
        3 Sentence [Transfers > List] two
        3 Cell [Transfers > List] who
        3 Cell [Transfers > List] us
        3 Cell [Transfers > List] them
        3 Heading [] End
        "#);
        insta::assert_snapshot!(document.text, @r#"
        Transfers

        We transfer data. We tell you.

        List

        one
        two

        who	us
        them

        End
        "#);
    }

    #[test]
    fn no_words_is_no_document() {
        let mut draft = Draft::new(Format::Text);
        draft.push(BlockKind::Paragraph, "* * *");
        let refusal = compose(draft, "a.txt", Digest::of("")).unwrap_err();
        assert_eq!(refusal.reason, UnreadableReason::Empty);
    }
}
