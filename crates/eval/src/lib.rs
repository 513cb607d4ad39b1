//! Measures verdicts, evidence and probabilities against documents that people labelled.
//!
//! ```text
//! file ─ import ─▶ LabelledSet ─ (the caller judges it) ─▶ Outcomes ─ evaluate ─▶ Evaluation
//!                       └──────────── baselines ────────────────────────▲      ─▶ JSON, page
//! ```
//!
//! A set holds documents, requirements and, for pairs of them, the verdict that is right and the
//! words that bear it ([`LabelledSet`]; the format stands in `docs/eval-format.md`). The caller
//! judges the pairs by the same pipeline that checks documents and hands in an [`Outcome`] for
//! each. [`evaluate`] counts, compares with what needs no model (always a requirement's most
//! frequent verdict; a linear classifier over words), and finds temperature, priors and threshold,
//! each measured on documents that it was not found on.

mod baseline;
mod calibration;
mod error;
mod evaluation;
mod folds;
mod import;
mod metrics;
mod page;
mod set;

pub use calibration::{Calibrated, Choice, Fit, Known, PackFit, Prior, Shift, fit, fit_pack};
pub use error::SetError;
pub use evaluation::{Evaluation, Outcome, Ranked, Run, evaluate};
pub use set::{Label, LabelledDocument, LabelledRequirement, LabelledSet, Words};
