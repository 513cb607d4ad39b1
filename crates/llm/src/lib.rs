//! Runs a local language model behind one small trait.
//!
//! [`Engine`] scores choices and continues a text under a grammar; its types are plain data.
//! [`LlamaCpp`] is llama.cpp in this process, the default. [`Scripted`] answers by a function of
//! the prompt: it is for tests of what stands around a model, and says so in its [`Identity`].
//!
//! # What cannot happen
//! llama.cpp ends the process where its rules are broken. Through this crate they cannot be: a
//! file is checked before it is loaded ([`gguf`]), a prompt longer than the context is an error
//! before the call, a batch is never longer than it may be, only rows that asked for logits are
//! read, there is one sequence, and a grammar is never asked to accept what it forbids.
//!
//! # Why the bits do not depend on what came before
//! A prompt is evaluated in the same calls whatever the cache holds: the shared part by itself in
//! pieces of [`Settings::ubatch`] tokens, then the own part, then the answer. A shared part that
//! is in the cache was put there by those very calls.

mod engine;
pub mod gguf;
mod llama;
pub mod pull;
mod scripted;

pub use engine::{Completion, Engine, Identity, LlmError, Part, Prompt, Scores, Usage};
pub use llama::{LlamaCpp, Model, Settings};
pub use scripted::Scripted;
