//! Runs a local language model behind one small trait.
//!
//! [`Engine`] scores choices and continues a text under a grammar; its types are plain data.
//! [`LlamaCpp`] is llama.cpp in this process, the default. Two more are for tests of what stands
//! around a model, and say so in their [`Identity`]: [`Scripted`] answers by a function of the
//! prompt, and [`Recorded`] repeats what a [`Recorder`] heard an engine say.
//!
//! [`Server`] asks an OpenAI-compatible server at an address that the user gives, and only there.
//!
//! [`gguf`] tells what a model file is; [`pull`] fetches one. [`pull`] and [`Server`] alone open a
//! connection.
//!
//! # What cannot happen
//! llama.cpp ends the process where its rules are broken. Through this crate they cannot be: a
//! file is checked before it is loaded ([`gguf`]), weights and context are weighed against the
//! memory there is, models and contexts are made one after another, a prompt longer than the
//! context is an error before the call, a batch is never longer than it may be, only the row that
//! asked for logits is read, no sequence is beyond those
//! there are, a grammar is checked before it is handed on
//! and never asked to accept what it forbids.
//!
//! # Why the bits do not depend on what came before
//! In [`Mode::Replayable`] a prompt is evaluated in the same calls whatever the cache holds: each
//! block by itself in pieces of [`Settings::ubatch`] tokens, then the answer. A block that is in the
//! cache was put there by those very calls, or restored from a state that they left.

mod engine;
pub mod gguf;
mod human;
mod llama;
pub mod pull;
mod recorded;
mod scripted;
mod server;

pub use engine::{
    Block, Completion, Engine, Identity, LlmError, Mode, Part, Prompt, Scores, Usage,
};
pub use llama::{LlamaCpp, Model, PrefixCache, Settings, use_processor};
pub use recorded::{Recorded, Recorder, Recording};
pub use scripted::Scripted;
pub use server::{Server, ServerError, ServerSettings};
