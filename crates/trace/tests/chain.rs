//! A trace that was touched is found out, at the line that was touched.

use std::{collections::BTreeMap, fs, path::Path};

use konform_terms::{
    Address, DecidedBy, Digest, Evidence, Finding, Format, InstrumentId, Language, Link,
    Provision, Span, Step, Verdict, findings_digest,
};
use konform_trace::{
    DocumentRead, DocumentText, Pins, Record, Sources, Start, Trace, Work, Writer, verify,
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
        calibrated: false,
        evidence: vec![Evidence {
            id: "E1".into(),
            page: None,
            heading_path: vec![],
            span: Span::new(4, 12),
            quote: "supplier".into(),
            link: Link::Search(1.5),
        }],
        also_read: vec![],
        citations: vec![],
        justification: vec![Step { text: "It says so.".into(), rests_on: vec!["E1".into()] }],
        not_assessed: None,
    }
}

fn records() -> Vec<Record> {
    let findings = [finding("p/one"), finding("p/two")];
    let mut records = vec![
        Record::Run {
            start: Start { version: "0.1.0".into(), at: "2026-01-01T00:00:00Z".into() },
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
        records.push(Record::Finding { finding: Box::new(finding.clone()), work: Work::default() });
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
        Ok(DocumentText { digest: Digest::of(self.0), text: self.0.to_owned() })
    }

    fn provision(
        &self,
        _: &InstrumentId,
        _: &str,
        _: Language,
        _: &Address,
    ) -> Option<Provision> {
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
    assert!(Writer::create(&path).unwrap_err().to_string().contains("another run"));
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

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_is_found_at_its_line(at in 0.0..1.0f64, bit in 0..8u8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let mut bytes = written(&path);
        let at = (at * (bytes.len() - 1) as f64) as usize;
        let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        bytes[at] ^= 1 << bit;
        fs::write(&path, &bytes).unwrap();
        match verify(&path, &Here(TEXT)) {
            // A flipped line feed joins two lines, or tears the last one.
            Ok(found) => prop_assert!(!found.problems.is_empty()),
            Err(error) => {
                let error = error.to_string();
                prop_assert!(error.contains(&format!("line {line}:")), "{} at {}", error, line);
            }
        }
    }
}
