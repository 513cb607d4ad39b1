use konform_terms::Verdict;
use minijinja::{
    Environment, context,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};
use serde::Serialize;

use crate::{report::Report, view::View};

const PAGE: &str = include_str!("../templates/report.html");
const FINDING: &str = include_str!("../templates/finding.html");
const STYLE: &str = include_str!("../templates/report.css");
const SCRIPT: &str = include_str!("../templates/report.js");

/// Renders the report as one HTML page that loads nothing and sends nothing.
///
/// Every finding stands in the page with its quotes and can be read and printed without
/// JavaScript. The texts of the documents and passages stand in it once, as JSON; the script
/// shows them side by side on demand.
///
/// # Panics
/// Never: the templates are part of the program and tested.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "the templates are part of the program and tested"
)]
pub fn html(report: &Report<'_>) -> String {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.expect("the syntax is the usual one"));
    environment
        .add_template("report.html", PAGE)
        .expect("the page is a template");
    environment
        .add_template("finding.html", FINDING)
        .expect("a finding is a template");
    let view = View::of(report);
    let data: Vec<Value> = view
        .documents
        .iter()
        .map(|document| data(&document.text))
        .collect();
    let context = context! {
        view => Value::from(Serde(&view)),
        document_data => data,
        passage_data => data_of(&view.passages),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
    };
    environment
        .get_template("report.html")
        .and_then(|template| template.render(context))
        .expect("the page renders")
}

fn data(value: &Option<impl Serialize>) -> Value {
    value.as_ref().map_or(Value::from(()), data_of)
}

/// JSON for a data block: no character of it means anything to a parser of HTML.
fn data_of(value: &impl Serialize) -> Value {
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    Value::from_safe_string(safe)
}

/// A sign for a verdict that can be told apart without colour.
pub(crate) fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Violated => "×",
        Verdict::Missing => "○",
        Verdict::Undetermined => "?",
        Verdict::NotAssessed => "!",
        Verdict::Satisfied => "✓",
        Verdict::NotApplicable => "–",
    }
}

/// What a verdict means, for the legend.
pub(crate) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Violated => {
            "The document does what the requirement forbids, or the contrary of what it asks."
        }
        Verdict::Missing => "The document does not address the requirement.",
        Verdict::Undetermined => "A person has to decide.",
        Verdict::NotAssessed => "The document could not be read, so nothing was judged.",
        Verdict::Satisfied => "The document does what the requirement asks.",
        Verdict::NotApplicable => "The requirement does not concern this document.",
    }
}
