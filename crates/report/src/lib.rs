//! Renders findings as HTML, Markdown and JSON.
//!
//! ```text
//! Report ─┬─ html ──────────▶ report.html     for people, on screen and on paper
//!         ├─ markdown ──────▶ report.md       for a merge request or a ticket
//!         └─ findings_json ─▶ findings.json   for programs
//! ```
//!
//! A [`Report`] borrows what a run produced; every function here is pure text in, text out.
//!
//! What stands in a document under check is hostile until shown otherwise. It enters the HTML only
//! as escaped text or inside JSON that no parser of HTML can leave, and the page carries a content
//! security policy under which it can load and send nothing.

mod findings;
mod html;
mod markdown;
mod report;
mod units;
mod view;

pub use findings::{FORMAT, findings_json, findings_schema};
pub use html::html;
pub use markdown::markdown;
pub use report::{CorpusFacts, ModelFacts, PackFacts, Report, Run};
