//! Judges one document against one requirement.
//!
//! ```text
//! scope ─▶ checks ─▶ search for evidence ─▶ prompt ─▶ probabilities ─▶ ids ─▶ finding
//! ```
//!
//! Each station may decide, and then the later ones are not asked: a document out of scope is
//! `not-applicable`, a check can decide without a model, and where no segment shares a word with
//! the requirement there is nothing to ask about. Else the model reads numbered evidence and
//! numbered passages. Its verdict is the distribution over four letters at one position, and what
//! it rests on is chosen by number under a grammar: the model writes no quote, so it cannot
//! invent one.
//!
//! What comes from other stages (scope and checks from the rules, passages from the corpus) comes
//! in as plain data, a [`Case`]; what goes out is a [`Judged`].

mod answer;
mod case;
mod evidence;
mod judging;
mod justify;
mod prompt;

pub use answer::{Letter, grammar, parse_ids};
pub use case::{Case, Checked, CitedPassage, Judged, Scoped, Settings, Work};
pub use judging::{Candidates, JudgeError, Prepared, ask, judge, prepare};
pub use prompt::{PROMPT_VERSION, Shown, render};
