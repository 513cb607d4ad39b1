//! The overview: which document meets which requirement of a pack.

use std::collections::BTreeMap;

use konform_terms::Finding;
use serde::Serialize;

use super::paths;
use crate::{
    html::symbol,
    report::{Report, pick},
};

/// The overview of one pack: documents downwards, requirements across.
#[derive(Serialize)]
pub(super) struct Matrix<'a> {
    pack: usize,
    title: String,
    dense: bool,
    columns: Vec<Column>,
    rows: Vec<Row>,
    outside: Vec<Outside<'a>>,
}

/// A document that a pack does not concern.
#[derive(Serialize)]
struct Outside<'a> {
    document: &'a str,
    findings: usize,
    why: &'a str,
}

#[derive(Serialize)]
struct Column {
    title: String,
    statement: String,
}

#[derive(Serialize)]
struct Row {
    document: String,
    /// The finding that says that the document was not assessed.
    whole: Option<Cell>,
    cells: Vec<Option<Cell>>,
}

#[derive(Serialize, Clone, Copy)]
struct Cell {
    finding: usize,
    verdict: &'static str,
    symbol: &'static str,
}

/// Above this number of requirements the overview shows symbols without words.
const WIDE: usize = 10;

/// One overview for each pack.
pub(super) fn matrices<'a>(report: &'a Report<'a>, shown: &[&Finding]) -> Vec<Matrix<'a>> {
    let mut cells: BTreeMap<(&str, Option<&str>), Cell> = BTreeMap::new();
    for (index, finding) in shown.iter().enumerate() {
        let cell = Cell {
            finding: index + 1,
            verdict: finding.verdict.word(),
            symbol: symbol(finding.verdict),
        };
        cells.insert((&finding.document, finding.requirement.as_deref()), cell);
    }
    let all = paths(report);
    let outside = report.outside();
    let matrix = |(pack, source): (usize, &konform_terms::Pack)| {
        let row = |path: &&str| Row {
            document: (*path).to_owned(),
            whole: cells.get(&(*path, None)).copied(),
            cells: source
                .requirements
                .iter()
                .map(|requirement| cells.get(&(*path, Some(requirement.id.as_str()))).copied())
                .collect(),
        };
        Matrix {
            pack,
            title: pick(&source.title, report.language)
                .unwrap_or(&source.id)
                .clone(),
            dense: source.requirements.len() > WIDE,
            columns: source
                .requirements
                .iter()
                .map(|requirement| Column {
                    title: pick(&requirement.title, report.language)
                        .unwrap_or(&requirement.id)
                        .clone(),
                    statement: pick(&requirement.statement, report.language)
                        .cloned()
                        .unwrap_or_default(),
                })
                .collect(),
            rows: all
                .iter()
                .filter(|path| !outside.contains_key(&(**path, source.id.as_str())))
                .map(row)
                .collect(),
            outside: outside
                .iter()
                .filter(|((_, pack), _)| *pack == source.id)
                .map(|(&(document, _), &(findings, why))| Outside {
                    document,
                    findings,
                    why,
                })
                .collect(),
        }
    };
    report.packs.iter().enumerate().map(matrix).collect()
}
