//! Runs a local language model behind one small trait.
//!
//! [`Engine`] scores choices and continues a text under a grammar; its types are plain data.
//! [`LlamaCpp`] is llama.cpp in this process, the default. Two more are for tests of what stands
//! around a model, and say so in their [`Identity`]: [`Scripted`] answers by a function of the
//! prompt, and [`Recorded`] repeats what a [`Recorder`] heard an engine say.
//!
//! [`gguf`] tells what a model file is; [`pull`] fetches one, and alone opens a connection.
//!
//! # What cannot happen
//! llama.cpp ends the process where its rules are broken. Through this crate they cannot be: a
//! file is checked before it is loaded ([`gguf`]), weights and context are weighed against the
//! memory there is, models and contexts are made one after another, a prompt longer than the
//! context is an error before the call, a batch is never longer than it may be, only the row that
//! asked for logits is read, there is one sequence, a grammar is checked before it is handed on
//! and never asked to accept what it forbids.
//!
//! # Why the bits do not depend on what came before
//! A prompt is evaluated in the same calls whatever the cache holds: the shared part by itself in
//! pieces of [`Settings::ubatch`] tokens, then the own part, then the answer. A shared part that
//! is in the cache was put there by those very calls.

mod engine;
pub mod gguf;
mod human;
mod llama;
pub mod pull;
mod recorded;
mod scripted;

pub use engine::{Completion, Engine, Identity, LlmError, Part, Prompt, Scores, Usage};
pub use llama::{LlamaCpp, Model, Settings};
pub use recorded::{Recorded, Recorder, Recording};
pub use scripted::Scripted;
