//! Judges one document against one requirement.
//!
//! ```text
//! scope ─▶ checks ─▶ search for evidence ─▶ prompt ─▶ probabilities ─▶ ids ─▶ finding
//! ```
//!
//! Each station may decide, and then the later ones are not asked: a document out of scope is
//! `not-applicable`, a check can decide without a model, and where no segment shares a word with
//! the requirement there is nothing to ask about. Else the model reads numbered evidence and
//! numbered passages, all evidence in one prompt or each segment in its own ([`Reading`]). Its
//! verdict is the distribution over four letters at one position. What it rests on is measured:
//! each piece is left out, and what does not move the verdict is no reason. The model writes no
//! quote, so it cannot invent one.
//!
//! What comes from other stages (scope and checks from the rules, passages from the corpus) comes
//! in as plain data, a [`Case`]; what goes out is a [`Judged`].

mod answer;
mod asking;
mod case;
mod commentary;
mod evidence;
mod judging;
mod justify;
mod profile;
mod prompt;
mod weigh;

pub use answer::Letter;
pub use case::{
    Calibration, Case, Checked, CitedPassage, Judged, PackCalibration, Reading, Scoped, Settings,
    Shift,
};
pub use judging::{Candidates, JudgeError, Prepared, ask, judge, prepare};
pub use profile::{OfPack, Profile, ProfileError};
pub use prompt::{Line, PROMPT_VERSION, Shown, render};
pub use weigh::log_odds;
