use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Language, Span};

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Office Open XML, word processing.
    Docx,
    /// HTML and XHTML.
    Html,
    /// Markdown (`CommonMark`).
    Markdown,
    /// Plain text.
    Text,
}

/// A file under check, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The path as the user gave it or as it was found below a folder, with `/` between its parts.
    pub path: String,
    /// The format.
    pub format: Format,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The language, where it is certain.
    pub language: Option<Language>,
    /// The extracted text, in reading order; every span of the document is a range of it.
    pub text: String,
    /// Where each page begins in `text`; empty for formats without pages.
    pub pages: Vec<usize>,
    /// The segments, in the order of the text; they do not overlap.
    pub segments: Vec<Segment>,
    /// What went wrong while reading.
    pub warnings: Vec<Warning>,
}

impl Document {
    /// The digest of the extracted text.
    #[must_use]
    pub fn text_digest(&self) -> Digest {
        Digest::of(&self.text)
    }

    /// Whether text may be lost, so that nothing may be concluded from what is not in it.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.warnings
            .iter()
            .any(|warning| warning.kind == WarningKind::Damaged)
    }

    /// The page, counted from 1, on which an offset of the text lies.
    #[must_use]
    pub fn page(&self, offset: usize) -> Option<u32> {
        let page = self.pages.partition_point(|&start| start <= offset);
        (page > 0).then(|| u32::try_from(page).unwrap_or(u32::MAX))
    }

    /// The words of a segment.
    #[must_use]
    pub fn quote(&self, segment: &Segment) -> &str {
        segment.span.of(&self.text).unwrap_or_default()
    }
}

/// A sentence, heading or cell of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Where it stands in the text of the document, without white space around it.
    pub span: Span,
    /// What it is.
    pub kind: SegmentKind,
    /// The page, counted from 1, for formats with pages.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first.
    pub heading_path: Vec<String>,
}

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    /// A sentence of running text or of a list item.
    Sentence,
    /// A heading.
    Heading,
    /// A cell of a table.
    Cell,
}

/// Something that went wrong while a document was read, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The kind.
    pub kind: WarningKind,
    /// What happened and where, for people.
    pub message: String,
}

/// The kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// The file was repaired and text may be lost: `missing` cannot be concluded.
    Damaged,
    /// Some pages hold pictures and no text.
    PagesWithoutText,
    /// The language is uncertain.
    LanguageUnknown,
    /// Anything else worth knowing.
    Note,
}

/// A file that could not be read, which is a finding of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// The path, as for a document.
    pub path: String,
    /// The digest of the file's bytes, where they could be read.
    pub digest: Option<Digest>,
    /// The kind of failure.
    pub reason: UnreadableReason,
    /// What happened, where, and what to do about it, for people.
    pub detail: String,
}

/// Why a file could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnreadableReason {
    /// No bytes, or no text at all.
    Empty,
    /// A password is needed.
    Encrypted,
    /// Pictures of pages, without text.
    Scanned,
    /// The bytes are not what the format asks for.
    Damaged,
    /// The format is not one that konform reads.
    Unsupported,
    /// Larger than the limit.
    TooLarge,
    /// Reading took longer than the limit.
    TimedOut,
    /// Reading needed more memory than the limit.
    OutOfMemory,
    /// The reader broke down.
    Crashed,
    /// The file system refused.
    Io,
}

impl UnreadableReason {
    /// The word of the wire format: `out-of-memory`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Encrypted => "encrypted",
            Self::Scanned => "scanned",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too-large",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
            Self::Crashed => "crashed",
            Self::Io => "io",
        }
    }
}

impl fmt::Display for UnreadableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_from_one() {
        let document = Document {
            path: "a.pdf".into(),
            format: Format::Pdf,
            digest: Digest::of(""),
            language: None,
            text: "one two".into(),
            pages: vec![0, 4],
            segments: vec![],
            warnings: vec![],
        };
        assert_eq!(document.page(0), Some(1));
        assert_eq!(document.page(3), Some(1));
        assert_eq!(document.page(4), Some(2));
    }
}
