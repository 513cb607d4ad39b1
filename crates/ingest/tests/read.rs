//! What is planted in a file is found in its segments, word for word, and nothing breaks the reader.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail as the tests do"
)]

mod common;

use std::{fs, io::Write, path::Path};

use common::{docx, pdf, pdf_of, pdf_with, zip};
use konform_ingest::{Limits, read};
use konform_terms::{Document, Format, SegmentKind, Unreadable, UnreadableReason, WarningKind};
use proptest::prelude::*;

const PLANTED: &str = "The processor shall notify the controller of a breach within 24 hours.";

fn read_as(name: &str, bytes: &[u8]) -> Result<Document, Unreadable> {
    read_with(name, bytes, &Limits::default())
}

fn read_with(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, Unreadable> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let result = read(&path, name, limits);
    if let Ok(document) = &result {
        check(document);
    }
    result
}

/// Every span lies in the text, in order, and quotes something; pages are in order.
#[track_caller]
fn check(document: &Document) {
    let mut end = 0;
    for segment in &document.segments {
        let quote = segment
            .span
            .of(&document.text)
            .expect("a span on character boundaries");
        assert!(!quote.is_empty() && quote.trim() == quote, "{quote:?}");
        assert!(quote.chars().any(char::is_alphanumeric), "{quote:?}");
        assert!(segment.span.start >= end, "{quote:?} overlaps");
        assert!(quote.len() <= 600, "{} bytes", quote.len());
        end = segment.span.end;
        assert_eq!(segment.page.is_some(), document.format == Format::Pdf);
    }
    assert!(document.pages.is_sorted());
    assert!(
        document
            .pages
            .iter()
            .all(|&start| document.text.is_char_boundary(start))
    );
}

fn quotes(document: &Document) -> Vec<&str> {
    document
        .segments
        .iter()
        .map(|segment| document.quote(segment))
        .collect()
}

fn listing(document: &Document) -> String {
    let lines = document.segments.iter().map(|segment| {
        let path = segment.heading_path.join(" > ");
        format!("{:?} [{path}] {}", segment.kind, document.quote(segment))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The same sentence, planted among others in each format.
fn samples() -> Vec<(&'static str, Vec<u8>, Format)> {
    let paragraph = format!("<w:p><w:r><w:t>We agree. {PLANTED}</w:t></w:r></w:p>");
    let (one, two) = PLANTED.split_at(31);
    vec![
        (
            "a.txt",
            format!("Terms\n\nWe agree. {one}\n{two} They sign.").into_bytes(),
            Format::Text,
        ),
        (
            "a.md",
            format!("# Terms\n\n- We *agree*. {one}\n  {two}\n").into_bytes(),
            Format::Markdown,
        ),
        (
            "a.html",
            format!("<h1>Terms</h1><div>We agree. <b>{one}</b>{two}</div>").into_bytes(),
            Format::Html,
        ),
        ("a.docx", docx(&paragraph), Format::Docx),
        (
            "a.pdf",
            pdf(&[&[
                "We agree on all that is written in this text and below it. And so",
                one,
                two,
            ]]),
            Format::Pdf,
        ),
    ]
}

#[test]
fn a_planted_sentence_is_a_segment_of_its_own() {
    for (name, bytes, format) in samples() {
        let document = read_as(name, &bytes).unwrap();
        assert_eq!(document.format, format);
        let found = quotes(&document)
            .iter()
            .filter(|quote| quote.ends_with(PLANTED))
            .count();
        assert_eq!(found, 1, "{name}: {:?}", quotes(&document));
    }
}

#[test]
fn word_documents_are_read_as_they_stand() {
    let body = "<w:p><w:pPr><w:pStyle w:val='Mine'/></w:pPr><w:r><w:t>Transfers</w:t></w:r></w:p>\
        <w:p><w:pPr><w:pStyle w:val='Body'/></w:pPr><w:r><w:t>We ke</w:t></w:r><w:r><w:t>ep</w:t><w:tab/><w:t>data.</w:t></w:r>\
        <w:del><w:r><w:delText>Not this.</w:delText></w:r></w:del><w:ins><w:r><w:t xml:space='preserve'> But this.</w:t></w:r></w:ins>\
        <w:r><w:rPr><w:vanish/></w:rPr><w:t>Nor this.</w:t></w:r></w:p>\
        <w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr><w:r><w:t>Details</w:t></w:r></w:p>\
        <w:p><w:r><w:rPr><w:b/></w:rPr><w:t>Bold words</w:t></w:r></w:p>\
        <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>first</w:t></w:r></w:p>\
        <w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>A box.</w:t></w:r></w:p></w:txbxContent></mc:Choice>\
        <mc:Fallback><w:txbxContent><w:p><w:r><w:t>A box.</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>who</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>why</w:t></w:r></w:p></w:tc></w:tr>\
        <w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>gone</w:t></w:r></w:p></w:tc></w:tr>\
        <w:tr><w:tc><w:p><w:r><w:t>us</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>law</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let document = read_as("a.docx", &docx(body)).unwrap();
    insta::assert_snapshot!(listing(&document), @r#"
    Heading [] Transfers
    Sentence [Transfers] We keep data.
    Sentence [Transfers] But this.
    Heading [Transfers] Details
    Heading [Transfers > Details] Bold words
    Sentence [Transfers > Details > Bold words] first
    Sentence [Transfers > Details > Bold words] A box.
    Cell [Transfers > Details > Bold words] who
    Cell [Transfers > Details > Bold words] why
    Cell [Transfers > Details > Bold words] us
    Cell [Transfers > Details > Bold words] law
    Sentence [Transfers > Details > Bold words] A note at the foot.
    "#);
    assert!(
        document.text.contains("who\twhy\nus\tlaw"),
        "{:?}",
        document.text
    );
}

#[test]
fn pages_of_a_pdf_are_known() {
    let first = [
        "Terms of use that everybody accepts who uses this service, whether or",
        "not they have read them.",
    ];
    let bytes = pdf(&[&first, &[PLANTED]]);
    let document = read_as("a.pdf", &bytes).unwrap();
    assert_eq!(document.pages.len(), 2);
    let planted = document
        .segments
        .iter()
        .find(|segment| document.quote(segment) == PLANTED)
        .unwrap();
    assert_eq!(planted.page, Some(2));
    assert_eq!(
        document
            .warnings
            .iter()
            .filter(|w| w.kind == WarningKind::Damaged)
            .count(),
        0
    );
}

#[test]
fn a_table_of_a_pdf_is_cells() {
    let row = |y: u32, left: &str, right: &str| {
        format!(
            "60 {} 400 0.5 re f BT /F1 10 Tf 60 {y} Td ({left}) Tj 200 0 Td ({right}) Tj ET\n",
            y - 5
        )
    };
    let rows = [
        row(700, "Purpose", "Legal basis"),
        row(680, "Newsletter", "Consent"),
        row(660, "Billing", "Contract"),
    ];
    let document = read_as("a.pdf", &pdf_of(&[rows.concat()])).unwrap();
    assert!(
        document
            .segments
            .iter()
            .all(|segment| segment.kind == SegmentKind::Cell),
        "{}",
        listing(&document)
    );
    assert_eq!(
        quotes(&document),
        [
            "Purpose",
            "Legal basis",
            "Newsletter",
            "Consent",
            "Billing",
            "Contract"
        ]
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    use UnreadableReason as R;
    let cfb = |text: &str| {
        let words = text.encode_utf16().flat_map(u16::to_le_bytes);
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            .iter()
            .copied()
            .chain(words)
            .collect::<Vec<u8>>()
    };
    let picture = "q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x7f EI Q".to_owned();
    for (name, bytes, reason) in [
        ("empty.pdf", vec![], R::Empty),
        ("blank.txt", b" \n \n".to_vec(), R::Empty),
        ("blank.pdf", pdf_of(&[String::new()]), R::Empty),
        ("picture.pdf", pdf_of(&[picture]), R::Scanned),
        ("words.pdf", b"only words".to_vec(), R::Damaged),
        ("words.docx", b"only words".to_vec(), R::Damaged),
        (
            "sheet.docx",
            zip(&[("xl/workbook.xml", "<a/>")]),
            R::Damaged,
        ),
        (
            "broken.docx",
            zip(&[("word/document.xml", "<a>")]),
            R::Damaged,
        ),
        ("secret.docx", cfb("EncryptedPackage"), R::Encrypted),
        ("old.doc", cfb("WordDocument"), R::Unsupported),
        (
            "sheet.xlsx",
            zip(&[("xl/workbook.xml", "<a/>")]),
            R::Unsupported,
        ),
        ("data.json", b"{}".to_vec(), R::Unsupported),
        ("deep.html", "<div>".repeat(30_000).into_bytes(), R::Damaged),
    ] {
        let unreadable = read_as(name, &bytes).unwrap_err();
        assert_eq!(unreadable.reason, reason, "{name}: {}", unreadable.detail);
        assert_eq!(unreadable.path, name);
        assert!(unreadable.digest.is_some(), "{name}");
        assert!(
            unreadable.detail.contains([';', ':']),
            "no remedy: {}",
            unreadable.detail
        );
    }
    let missing = read(Path::new("no/such.pdf"), "no/such.pdf", &Limits::default()).unwrap_err();
    assert_eq!((missing.reason, missing.digest), (R::Io, None));
}

#[test]
fn limits_are_kept() {
    let limits = Limits {
        file_bytes: 4_000,
        unpacked_bytes: 1_000,
        ..Limits::default()
    };
    let bomb = docx(&format!(
        "<w:p><w:r><w:t>{}</w:t></w:r></w:p>",
        "a".repeat(100_000)
    ));
    assert!(bomb.len() < 4_000);
    for (name, bytes) in [("bomb.docx", bomb), ("long.txt", vec![b'a'; 5_000])] {
        let unreadable = read_with(name, &bytes, &limits).unwrap_err();
        assert_eq!(
            unreadable.reason,
            UnreadableReason::TooLarge,
            "{name}: {}",
            unreadable.detail
        );
    }
}

#[test]
fn a_pdf_that_was_cut_off_is_never_read_as_a_whole_one() {
    let lines = [PLANTED, "It keeps a record."];
    let whole = pdf(&[&lines, &lines, &lines]);
    for length in (whole.len() / 4..whole.len() - 6).step_by(37) {
        match read_as("a.pdf", &whole[..length]) {
            Ok(document) => assert!(document.is_damaged(), "cut at {length}"),
            Err(unreadable) => assert_eq!(
                unreadable.reason,
                UnreadableReason::Damaged,
                "cut at {length}"
            ),
        }
    }
}

#[test]
fn a_stream_that_does_not_unpack_to_its_end_is_damage() {
    let text = format!(
        "BT /F1 11 Tf 60 700 Td ({PLANTED}) Tj ET % {}",
        "padding ".repeat(40)
    );
    let mut packed = Vec::new();
    let mut encoder = flate2::write::ZlibEncoder::new(&mut packed, flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let damaged = |packed: &[u8]| {
        let hex: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = pdf_with("/Filter[/ASCIIHexDecode/FlateDecode]", &[format!("{hex}>")]);
        read_as("a.pdf", &bytes).map(|document| document.is_damaged())
    };
    assert_eq!(damaged(&packed), Ok(false));
    let end = packed.len() - 1;
    packed[end] ^= 0xff;
    assert_eq!(damaged(&packed), Ok(true));
    let half = damaged(&packed[..60]);
    let told = half.unwrap_or_else(|unreadable| unreadable.reason == UnreadableReason::Damaged);
    assert!(told, "half of a page is damage");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn changed_bytes_break_nothing(
        sample in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, mut bytes, _) = samples().swap_remove(sample);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read_as(name, &bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,400}", format in 0..3_usize) {
        let name = ["a.txt", "a.md", "a.html"][format];
        let _ = read_as(name, text.as_bytes());
    }
}
