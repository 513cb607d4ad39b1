use std::collections::BTreeMap;

use konform_terms::{Digest, Finding, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{PackFacts, Report, Run};

/// The name of the format of `findings.json`.
pub const FORMAT: &str = "konform-findings/1";

/// The content of `findings.json`: all findings of a run, sorted by document and requirement.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "konform-findings/1")]
pub(crate) struct FindingsFile {
    /// Always `konform-findings/1`.
    pub(crate) format: String,
    /// What was run.
    pub(crate) run: RunOfFile,
    /// The SHA-256 of the canonical JSON (RFC 8785) of `findings`.
    pub(crate) findings_digest: Digest,
    /// How many findings have each verdict.
    pub(crate) counts: BTreeMap<Verdict, usize>,
    /// The findings.
    pub(crate) findings: Vec<Finding>,
}

/// What was run, with its rule packs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RunOfFile {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: Run,
    /// The rule packs.
    pub(crate) packs: Vec<PackFacts>,
}

/// Renders `findings.json`.
///
/// # Panics
/// Never: all types of a report have a JSON form.
#[must_use]
#[expect(clippy::expect_used, reason = "all types of a report have a JSON form")]
pub fn findings_json(report: &Report<'_>) -> String {
    let mut findings = report.findings.to_vec();
    findings.sort_by(|a, b| (&a.document, &a.requirement).cmp(&(&b.document, &b.requirement)));
    let file = FindingsFile {
        format: FORMAT.to_owned(),
        run: RunOfFile {
            run: report.run.clone(),
            packs: report.pack_facts(),
        },
        findings_digest: report.findings_digest(),
        counts: report.counts(),
        findings,
    };
    let mut json = serde_json::to_string_pretty(&file).expect("findings have a JSON form");
    json.push('\n');
    json
}

/// The JSON Schema of `findings.json`.
///
/// # Panics
/// Never: a schema has a JSON form.
#[must_use]
#[expect(clippy::expect_used, reason = "a schema has a JSON form")]
pub fn findings_schema() -> String {
    let schema = schemars::schema_for!(FindingsFile);
    let mut json = serde_json::to_string_pretty(&schema).expect("a schema has a JSON form");
    json.push('\n');
    json
}
