//! What stands in a document is text in the report, whatever it looks like.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;

use konform_report::{Report, Run, findings_json, findings_schema, html, markdown};
use konform_terms::{
    DecidedBy, Digest, Document, Evidence, Finding, Format, Language, Link, Segment, SegmentKind,
    Severity, Span, Step, Verdict,
};

const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & | `x`";

fn document() -> Document {
    Document {
        path: format!("{HOSTILE}.txt"),
        format: Format::Text,
        digest: Digest::of(HOSTILE),
        language: Some(Language::EN),
        text: HOSTILE.into(),
        pages: vec![],
        segments: vec![Segment {
            span: Span::new(0, HOSTILE.len()),
            kind: SegmentKind::Sentence,
            page: None,
            heading_path: vec![HOSTILE.into()],
        }],
        warnings: vec![],
    }
}

fn finding(requirement: &str, verdict: Verdict) -> Finding {
    Finding {
        document: document().path,
        document_digest: Some(document().digest),
        requirement: Some(requirement.into()),
        requirement_digest: None,
        severity: Some(Severity::High),
        verdict,
        decided_by: DecidedBy::Model,
        probability: Some(0.75),
        distribution: BTreeMap::from([(verdict, 0.75)]),
        sufficient: None,
        without: None,
        calibrated: false,
        evidence: vec![Evidence {
            id: "E1".into(),
            page: None,
            heading_path: vec![HOSTILE.into()],
            span: Span::new(0, HOSTILE.len()),
            quote: HOSTILE.into(),
            link: Link::Search(1.0),
            moves: None,
        }],
        also_read: vec![],
        citations: vec![],
        justification: vec![Step {
            text: HOSTILE.into(),
            rests_on: vec!["E1".into()],
        }],
        commentary: None,
        not_assessed: None,
    }
}

fn with_report<T>(check: impl FnOnce(&Report<'_>) -> T) -> T {
    let findings = [
        finding("p-one", Verdict::Violated),
        finding("p-two", Verdict::Satisfied),
    ];
    with_findings(&findings, check)
}

fn with_findings<T>(findings: &[Finding], check: impl FnOnce(&Report<'_>) -> T) -> T {
    let documents = [document()];
    check(&Report {
        title: HOSTILE.into(),
        language: Language::EN,
        run: Run {
            konform: "0.1.0".into(),
            started: "2026-01-01T00:00:00Z".into(),
            model: None,
            corpora: vec![],
            thresholds: std::collections::BTreeMap::from([("own".to_owned(), 0.6)]),
            settings: serde_json::json!({}),
        },
        documents: &documents,
        unreadable: &[],
        packs: &[],
        passages: &[],
        findings,
    })
}

#[test]
fn hostile_text_stays_text_in_the_page() {
    let page = with_report(html);
    assert!(page.contains("default-src 'none'"));
    for forged in ["<script>alert", "<img src=x"] {
        assert!(!page.contains(forged), "{forged}");
    }
    // The page's own scripts are all that can close one.
    assert_eq!(
        page.matches("<script").count(),
        page.matches("</script>").count()
    );
    for requirement in ["p-one", "p-two"] {
        assert!(page.contains(requirement), "{requirement}");
    }
}

#[test]
fn findings_fit_their_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(&findings_schema()).unwrap();
    let findings: serde_json::Value = serde_json::from_str(&with_report(findings_json)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&findings)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(findings["findings"][0]["verdict"], "violated");
    assert_eq!(findings["findings"][0]["evidence"][0]["quote"], HOSTILE);
}

#[test]
fn hostile_text_stays_text_in_markdown() {
    let text = with_report(markdown);
    assert!(!text.contains("<script>"), "{text}");
    assert!(text.contains("violated"));
}

#[test]
fn a_document_that_a_pack_does_not_concern_is_one_line() {
    let plain = |pack: &str, verdict, decided_by| Finding {
        document: "notes/plan.md".into(),
        decided_by,
        evidence: vec![],
        justification: vec![Step {
            text: "It uses 0 of 20 expressions of a contract.".into(),
            rests_on: vec![],
        }],
        ..finding(pack, verdict)
    };
    let outside = |id: &str| plain(id, Verdict::NotApplicable, DecidedBy::Scope);
    let findings = [
        outside("nda/one"),
        outside("nda/two"),
        // A pack that concerns it, with a requirement that does not.
        outside("notice/one"),
        plain("notice/two", Verdict::Missing, DecidedBy::Search),
    ];
    insta::assert_snapshot!(with_findings(&findings, markdown), @r"
    # \</script\>\<script\>alert(1)\</script\>\<img src=x onerror=alert(2)\> \& \| \`x\`

    1 document · 4 findings · konform 0.1.0 · 2026-01-01T00:00:00Z · findings `f24d9929d468`

    | document | violated | missing | undetermined | not-assessed | satisfied | not-applicable |
    |---|---:|---:|---:|---:|---:|---:|
    | notes/plan.md | 0 | 1 | 0 | 0 | 0 | 3 |
    | **all** | 0 | 1 | 0 | 0 | 0 | 3 |

    ## Work list

    - **missing** (high) notes/plan.md: notice/two (notice/two), 75 %
      - It uses 0 of 20 expressions of a contract.

    ## Not concerned

    - notes/plan.md: It uses 0 of 20 expressions of a contract. 2 requirements of nda not applicable
    ");
    let page = with_findings(&findings, html);
    assert_eq!(page.matches("<article").count(), 2);
}
