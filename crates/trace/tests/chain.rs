//! A trace that was touched is found out, at the line that was touched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, fs, path::Path};

use konform_terms::{
    Address, Citation, DecidedBy, Digest, Evidence, Finding, Format, InstrumentId, Language, Link,
    Nature, Provision, Span, Step, Verdict, Work, findings_digest,
};
use konform_trace::{
    DocumentRead, DocumentText, Pins, Record, Sources, Start, Trace, TraceError, Writer, verify,
};
use proptest::prelude::*;

const TEXT: &str = "The supplier acts on instructions.";

fn finding(requirement: &str) -> Finding {
    Finding {
        document: "a.txt".into(),
        document_digest: Some(Digest::of(TEXT)),
        requirement: Some(requirement.into()),
        requirement_digest: None,
        severity: None,
        verdict: Verdict::Satisfied,
        decided_by: DecidedBy::Model,
        probability: Some(0.875),
        distribution: BTreeMap::from([(Verdict::Satisfied, 0.875)]),
        sufficient: None,
        without: None,
        calibrated: false,
        evidence: vec![Evidence {
            id: "E1".into(),
            page: None,
            heading_path: vec![],
            span: Span::new(4, 12),
            quote: "supplier".into(),
            link: Link::Search(1.5),
            moves: None,
        }],
        also_read: vec![],
        citations: vec![],
        justification: vec![Step {
            text: "It says so.".into(),
            rests_on: vec!["E1".into()],
        }],
        commentary: None,
        not_assessed: None,
    }
}

fn records() -> Vec<Record> {
    let findings = [finding("p/one"), finding("p/two")];
    let mut records = vec![
        Record::Run {
            start: Start {
                version: "0.1.0".into(),
                at: "2026-01-01T00:00:00Z".into(),
            },
            pins: Pins {
                model: serde_json::json!({"name": "none"}),
                corpus: Digest::of(""),
                rules: BTreeMap::new(),
                settings: serde_json::json!({"threshold": 0.6}),
                prompt: "konform-prompt/1".into(),
            },
        },
        Record::Document(DocumentRead {
            path: "a.txt".into(),
            format: Format::Text,
            digest: Digest::of(TEXT),
            text_digest: Digest::of(TEXT),
            language: Some(Language::EN),
            pages: 0,
            segments: 1,
            bytes: TEXT.len(),
            warnings: vec![],
        }),
    ];
    for finding in &findings {
        records.push(Record::Finding {
            finding: Box::new(finding.clone()),
            work: Work::default(),
        });
    }
    records.push(Record::End {
        findings_digest: findings_digest(&findings),
        counts: BTreeMap::from([(Verdict::Satisfied, 2)]),
    });
    records
}

fn written(path: &Path) -> Vec<u8> {
    let mut writer = Writer::create(path).unwrap();
    for record in records() {
        writer.append(&record).unwrap();
    }
    drop(writer);
    fs::read(path).unwrap()
}

struct Here(&'static str);

impl Sources for Here {
    fn document(&self, _: &str) -> Result<DocumentText, String> {
        Ok(DocumentText {
            digest: Digest::of(self.0),
            text: self.0.to_owned(),
        })
    }

    fn provision(&self, _: &InstrumentId, _: &str, _: Language, _: &Address) -> Option<Provision> {
        None
    }
}

#[test]
fn a_whole_trace_reads_back_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    written(&path);
    let trace = Trace::read(&path).unwrap();
    assert_eq!(trace.records, records());
    assert!(trace.is_complete());
    let found = verify(&path, &Here(TEXT)).unwrap();
    assert_eq!((found.records, found.findings, found.quotes), (5, 2, 2));
    assert_eq!(found.problems, vec![]);
}

#[test]
fn a_changed_document_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    written(&path);
    let found = verify(&path, &Here("The supplier acts on instructions!")).unwrap();
    insta::assert_snapshot!(
        found.problems[0],
        @"line 2: a.txt: the file is not the one that was checked: its bytes have another digest"
    );
}

#[test]
fn a_torn_trace_resumes_at_every_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let bytes = written(&path);
    let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for length in first..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let (mut writer, trace) = Writer::resume(&path).unwrap();
        for record in &records()[trace.records.len()..] {
            writer.append(record).unwrap();
        }
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), bytes, "cut at {length}");
    }
}

#[test]
fn two_runs_cannot_write_the_same_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let _first = Writer::create(&path).unwrap();
    assert!(
        Writer::create(&path)
            .unwrap_err()
            .to_string()
            .contains("another run")
    );
}

#[test]
fn lines_left_out_moved_or_doubled_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let text = String::from_utf8(written(&path)).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut left_out = lines.clone();
    left_out.remove(2);
    let mut moved = lines.clone();
    moved.swap(2, 3);
    let mut doubled = lines.clone();
    doubled.insert(3, lines[2]);
    for (lines, line) in [(left_out, 3), (moved, 3), (doubled, 4)] {
        fs::write(&path, lines.concat()).unwrap();
        let error = Trace::read(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}:")), "{error}");
    }
}

/// Writes a trace of one finding after `change`, and gives what verification says of it.
fn problems_of(change: impl FnOnce(&mut Finding), provision: Option<&Provision>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let mut finding = finding("p/one");
    change(&mut finding);
    let mut records = records();
    records.truncate(2);
    let counts = BTreeMap::from([(finding.verdict, 1)]);
    let findings_digest = findings_digest(std::slice::from_ref(&finding));
    records.push(Record::Finding {
        finding: Box::new(finding),
        work: Work::default(),
    });
    records.push(Record::End {
        findings_digest,
        counts,
    });
    let mut writer = Writer::create(&path).unwrap();
    for record in &records {
        writer.append(record).unwrap();
    }
    drop(writer);
    let found = verify(&path, &Law(provision.cloned())).unwrap();
    found
        .problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect()
}

struct Law(Option<Provision>);

impl Sources for Law {
    fn document(&self, path: &str) -> Result<DocumentText, String> {
        Here(TEXT).document(path)
    }

    fn provision(&self, _: &InstrumentId, _: &str, _: Language, _: &Address) -> Option<Provision> {
        self.0.clone()
    }
}

fn provision() -> Provision {
    Provision {
        address: "art_1".into(),
        label: "Art. 1".into(),
        parent: None,
        heading: String::new(),
        text: "A supplier follows instructions.".into(),
    }
}

fn citation(span: Span, quote: &str) -> Citation {
    Citation {
        id: "P1".into(),
        instrument: "law".into(),
        short_title: "Law".into(),
        version: "2020-01-01".into(),
        language: Language::EN,
        address: "art_1".into(),
        label: "Art. 1".into(),
        nature: Nature::Paraphrase,
        digest: provision().digest(),
        span,
        quote: quote.into(),
        link: Link::Pinned,
        moves: None,
    }
}

#[test]
fn what_does_not_hold_inside_a_whole_chain_is_named() {
    let law = provision();
    let good = citation(Span::new(2, 10), "supplier");
    let cite = |citation: Citation| move |finding: &mut Finding| finding.citations.push(citation);
    assert_eq!(problems_of(cite(good.clone()), Some(&law)), "");
    insta::assert_snapshot!(problems_of(cite(good.clone()), None), @"line 3: a.txt, p/one: citation P1: the corpus has no law of 2020-01-01 (en), art_1");
    let changed = Provision {
        text: "A supplier follows orders.".into(),
        ..law.clone()
    };
    insta::assert_snapshot!(problems_of(cite(good), Some(&changed)), @"line 3: a.txt, p/one: citation P1: law of 2020-01-01 (en), art_1 has another text than the one cited");
    let elsewhere = citation(Span::new(3, 11), "supplier");
    insta::assert_snapshot!(problems_of(cite(elsewhere), Some(&law)), @"line 3: a.txt, p/one: citation P1 does not stand in law of 2020-01-01 (en), art_1");
    insta::assert_snapshot!(
        problems_of(|finding| finding.evidence[0].quote = "customer".into(), None),
        @"line 3: a.txt, p/one: evidence E1 does not stand at bytes 4 to 12 of the document's text"
    );
    insta::assert_snapshot!(
        problems_of(|finding| finding.evidence[0].span = Span::new(4, 900), None),
        @"line 3: a.txt, p/one: evidence E1 does not stand at bytes 4 to 900 of the document's text"
    );
    insta::assert_snapshot!(
        problems_of(|finding| finding.justification[0].rests_on.push("E7".into()), None),
        @"line 3: a.txt, p/one: a step of the justification rests on E7, which is not quoted"
    );
    insta::assert_snapshot!(
        problems_of(|finding| finding.document = "b.txt".into(), None),
        @"line 3: b.txt, p/one: it quotes a document that the trace does not record"
    );
    insta::assert_snapshot!(
        problems_of(|finding| finding.document_digest = None, None),
        @"line 3: a.txt, p/one: the finding is about another version of the file"
    );
}

#[test]
fn a_run_that_went_on_and_was_killed_again_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    written(&path);
    let (mut writer, trace) = Writer::resume(&path).unwrap();
    let start = Start {
        version: "0.1.0".into(),
        at: "2026-01-02T00:00:00Z".into(),
    };
    writer
        .append(&Record::Resume {
            start,
            findings: trace.findings().len(),
        })
        .unwrap();
    drop(writer);
    let found = verify(&path, &Here(TEXT)).unwrap();
    insta::assert_snapshot!(found.problems[0], @"line 6: the run: it did not come to its end");
    assert!(!Trace::read(&path).unwrap().is_complete());
}

#[test]
fn a_trace_that_was_cut_off_at_a_line_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let bytes = written(&path);
    let ends = bytes
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == b'\n')
        .map(|(at, _)| at + 1);
    for end in ends.take(4) {
        fs::write(&path, &bytes[..end]).unwrap();
        assert!(
            !verify(&path, &Here(TEXT)).unwrap().problems.is_empty(),
            "cut at {end}"
        );
    }
    fs::write(&path, b"").unwrap();
    assert!(matches!(Trace::read(&path), Err(TraceError::Empty { .. })));
}

#[test]
fn every_flipped_bit_is_found_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let bytes = written(&path);
    for at in 0..bytes.len() {
        assert_flip_is_found(&path, &bytes, at, 1 << (at % 8));
    }
}

fn assert_flip_is_found(path: &Path, bytes: &[u8], at: usize, mask: u8) {
    let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    let mut flipped = bytes.to_vec();
    flipped[at] ^= mask;
    fs::write(path, &flipped).unwrap();
    match verify(path, &Here(TEXT)) {
        // Only the last line feed can be touched without breaking the chain: the line is torn.
        Ok(found) => {
            assert_eq!(at, bytes.len() - 1);
            assert!(!found.problems.is_empty());
        }
        Err(error) => {
            let error = error.to_string();
            assert!(
                error.contains(&format!("line {line}:")),
                "{error} at {line}"
            );
        }
    }
}

proptest! {
    #[test]
    fn every_number_reads_back_as_it_was_written(
        numbers in proptest::collection::vec(-1e3..1e3f64, 1..20),
        tiny in -1e-6..1e-6f64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let mut finding = finding("p/one");
        finding.probability = Some(tiny);
        let candidates = numbers.into_iter().enumerate().collect();
        let work = Work { candidates, ..Work::default() };
        let mut written = records();
        written.insert(2, Record::Finding { finding: Box::new(finding), work });
        let mut writer = Writer::create(&path).unwrap();
        for record in &written {
            writer.append(record).unwrap();
        }
        prop_assert_eq!(Trace::read(&path).unwrap().records, written);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found_at_its_line(at in 0.0..1.0f64, bit in 0..8u8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let bytes = written(&path);
        let at = (at * (bytes.len() - 1) as f64) as usize;
        assert_flip_is_found(&path, &bytes, at, 1 << bit);
    }
}

#[test]
fn pins_agree_however_their_numbers_are_written() {
    let pins = |threshold: serde_json::Value| Pins {
        model: serde_json::json!({}),
        corpus: Digest::of(""),
        rules: BTreeMap::new(),
        settings: serde_json::json!({"threshold": threshold}),
        prompt: "konform-prompt/2".into(),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let start = Start {
        version: "0.1.0".into(),
        at: "2026-01-01T00:00:00Z".into(),
    };
    let run = Record::Run {
        start,
        pins: pins(1.0.into()),
    };
    Writer::create(&path).unwrap().append(&run).unwrap();
    let trace = Trace::read(&path).unwrap();
    assert!(trace.pins().unwrap().agree(&pins(1.0.into())));
    assert!(!trace.pins().unwrap().agree(&pins(0.5.into())));
}
