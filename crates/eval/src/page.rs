//! The figures as a page; plots are SVG, drawn here.

use std::fmt::Write as _;

use minijinja::{
    Environment, context,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};

use crate::{
    evaluation::Evaluation,
    metrics::{Reliability, Risk},
};

const PAGE: &str = include_str!("../templates/eval.html");
const WIDTH: f64 = 300.0;
/// Where the axes stand.
const EDGE: f64 = 36.0;

/// # Panics
/// Never: the template is part of the program and tested.
#[expect(
    clippy::expect_used,
    reason = "the template is part of the program and tested"
)]
pub(crate) fn html(evaluation: &Evaluation) -> String {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.expect("the syntax is the usual one"));
    environment.add_filter("percent", |share: f64| format!("{:.1} %", 100.0 * share));
    environment.add_filter("figure", |value: f64| format!("{value:.3}"));
    environment
        .add_template("eval.html", PAGE)
        .expect("the page is a template");
    let probabilities = evaluation.probabilities.as_ref();
    let plot = |svg: Option<String>| svg.map(Value::from_safe_string);
    let context = context! {
        e => Value::from(Serde(evaluation)),
        settings => serde_json::to_string_pretty(evaluation.settings()).unwrap_or_default(),
        in_use => plot(probabilities.map(|own| reliability(&own.in_use))),
        calibrated => plot(probabilities.map(|own| reliability(&own.calibrated))),
        risk => plot(probabilities.map(|own| risk(&own.risk_coverage))),
    };
    environment
        .get_template("eval.html")
        .and_then(|template| template.render(context))
        .expect("the page renders")
}

/// Where a share stands on the horizontal axis.
fn x(share: f64) -> f64 {
    EDGE + share * (WIDTH - EDGE - 8.0)
}

/// Where a share stands on the vertical axis.
fn y(share: f64) -> f64 {
    WIDTH - EDGE - share * (WIDTH - EDGE - 8.0)
}

/// A square with axes from 0 to 1, and what stands in it.
fn frame(title: &str, below: &str, beside: &str, most: f64, inside: &str) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {WIDTH}\" role=\"img\" aria-label=\"{title}\">\
         <path class=\"axis\" d=\"M{} {} V{} H{}\"/>",
        x(0.0),
        y(1.0),
        y(0.0),
        x(1.0)
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.2}</text>",
            x(tick),
            y(0.0) + 12.0,
            x(0.0) - 4.0,
            y(tick) + 3.0,
            tick * most,
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{below}</text>\
         <text transform=\"translate(9 {:.1}) rotate(-90)\" text-anchor=\"middle\">{beside}</text>\
         {inside}</svg>",
        x(0.5),
        WIDTH - 6.0,
        y(0.5),
    );
    svg
}

fn reliability(figures: &Reliability) -> String {
    let all: usize = figures.bins.iter().map(|bin| bin.count).sum();
    let mut inside = format!(
        "<path class=\"ideal\" d=\"M{} {} L{} {}\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    for bin in figures.bins.iter().filter(|bin| bin.count > 0) {
        let radius = 2.0 + 12.0 * crate::metrics::share(bin.count, all).sqrt();
        let _ = write!(
            inside,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\"><title>{} verdicts, probability {:.2}, right {:.2}</title></circle>",
            x(bin.probability),
            y(bin.accuracy),
            bin.count,
            bin.probability,
            bin.accuracy
        );
    }
    frame("Reliability", "probability", "share right", 1.0, &inside)
}

fn risk(curve: &[Risk]) -> String {
    let most = curve.iter().map(|at| at.risk).fold(0.1, f64::max);
    let mut line = String::new();
    for at in curve {
        let _ = write!(
            line,
            "{}{:.1} {:.1}",
            if line.is_empty() { "M" } else { " L" },
            x(at.coverage),
            y(at.risk / most)
        );
    }
    let inside = format!(
        "<path class=\"ideal\" d=\"M{} {five:.1} H{}\"/><path class=\"line\" d=\"{line}\"/>",
        x(0.0),
        x(1.0),
        five = y(0.05 / most),
    );
    frame(
        "Risk against coverage",
        "share decided",
        "share of it wrong",
        most,
        &inside,
    )
}
