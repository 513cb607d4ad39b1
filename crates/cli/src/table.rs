//! The table that `check` prints for people.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use konform_terms::{Finding, Pack, Verdict};

/// A verdict's mark and colour.
pub(crate) fn mark(verdict: Verdict) -> (&'static str, Style) {
    let colour = |colour: AnsiColor| colour.on_default();
    match verdict {
        Verdict::Satisfied => ("✓", colour(AnsiColor::Green)),
        Verdict::Violated => ("✗", colour(AnsiColor::Red).bold()),
        Verdict::Missing => ("○", colour(AnsiColor::Red)),
        Verdict::Undetermined => ("?", colour(AnsiColor::Yellow)),
        Verdict::NotApplicable => ("–", colour(AnsiColor::BrightBlack)),
        Verdict::NotAssessed => ("!", colour(AnsiColor::Magenta)),
    }
}

/// One row per document and pack that it is in the scope of, one column per verdict.
pub(crate) fn summary(findings: &[Finding], packs: &[Pack]) -> String {
    let mut rows: BTreeMap<(&str, &str), BTreeMap<Verdict, usize>> = BTreeMap::new();
    for finding in findings {
        let pack = finding
            .requirement
            .as_deref()
            .and_then(|id| {
                packs
                    .iter()
                    .find(|pack| id.starts_with(&format!("{}/", pack.id)))
            })
            .map_or("", |pack| pack.id.as_str());
        *rows
            .entry((&finding.document, pack))
            .or_default()
            .entry(finding.verdict)
            .or_default() += 1;
    }
    let in_scope: BTreeSet<&str> = rows
        .iter()
        .filter(|(_, counts)| {
            counts
                .keys()
                .any(|verdict| *verdict != Verdict::NotApplicable)
        })
        .map(|((document, _), _)| *document)
        .collect();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let mut head = vec![Cell::new("document"), Cell::new("rule pack")];
    head.extend(Verdict::ALL.iter().map(|verdict| Cell::new(verdict.word())));
    table.set_header(
        head.into_iter()
            .map(|cell| cell.add_attribute(Attribute::Bold)),
    );
    for ((document, pack), counts) in &rows {
        let out_of_scope = counts
            .keys()
            .all(|verdict| *verdict == Verdict::NotApplicable);
        if out_of_scope && in_scope.contains(document) {
            continue;
        }
        let mut row = vec![Cell::new(document), Cell::new(pack)];
        row.extend(Verdict::ALL.iter().map(|verdict| {
            let text = counts
                .get(verdict)
                .map(usize::to_string)
                .unwrap_or_default();
            Cell::new(text).set_alignment(CellAlignment::Right)
        }));
        table.add_row(row);
    }
    table.to_string()
}

/// The counts of verdicts in one line.
pub(crate) fn counts(findings: &[Finding]) -> String {
    let mut parts = Vec::new();
    for verdict in Verdict::ALL {
        let count = findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count();
        if count > 0 {
            let (mark, style) = mark(verdict);
            parts.push(format!("{style}{mark} {count} {verdict}{style:#}"));
        }
    }
    parts.join("   ")
}

#[cfg(test)]
mod tests {
    use konform_terms::DecidedBy;

    use super::*;

    fn finding(document: &str, requirement: Option<&str>, verdict: Verdict) -> Finding {
        Finding {
            document: document.to_owned(),
            document_digest: None,
            requirement: requirement.map(str::to_owned),
            requirement_digest: None,
            severity: None,
            verdict,
            decided_by: DecidedBy::Model,
            probability: None,
            distribution: BTreeMap::new(),
            sufficient: None,
            without: None,
            calibrated: false,
            evidence: vec![],
            also_read: vec![],
            citations: vec![],
            justification: vec![],
            commentary: None,
            not_assessed: None,
        }
    }

    #[test]
    fn a_pack_that_does_not_concern_a_document_has_no_row() {
        let packs: Vec<Pack> = crate::inputs::builtin_rules()
            .unwrap()
            .into_iter()
            .map(|loaded| loaded.pack)
            .collect();
        let findings = [
            finding("a.pdf", Some("mutual-nda/remedies"), Verdict::Missing),
            finding("a.pdf", Some("mutual-nda/no-licence"), Verdict::Satisfied),
            finding(
                "a.pdf",
                Some("gdpr-dpa-art28/security"),
                Verdict::NotApplicable,
            ),
            finding("b.pdf", Some("mutual-nda/remedies"), Verdict::NotApplicable),
            finding("c.pdf", None, Verdict::NotAssessed),
        ];
        let shown = anstream::adapter::strip_str(&summary(&findings, &packs)).to_string();
        let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        ───────────────────────────────────────────────────────────────────────────────────────────────────────
         document   rule pack    violated   missing   undetermined   not-assessed   satisfied   not-applicable
        ═══════════════════════════════════════════════════════════════════════════════════════════════════════
         a.pdf      mutual-nda                    1                                         1
        ───────────────────────────────────────────────────────────────────────────────────────────────────────
         b.pdf      mutual-nda                                                                               1
        ───────────────────────────────────────────────────────────────────────────────────────────────────────
         c.pdf                                                                  1
        ───────────────────────────────────────────────────────────────────────────────────────────────────────
        ");
        insta::assert_snapshot!(anstream::adapter::strip_str(&counts(&findings)), @"○ 1 missing   ! 1 not-assessed   ✓ 1 satisfied   – 2 not-applicable");
    }
}
