use std::path::PathBuf;

use konform_terms::Digest;
use serde::{Deserialize, Serialize};

use crate::gguf::GgufError;

/// A part of a prompt: a control token, or text that can form none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The begin of the sequence.
    Bos,
    /// The begin of an instruction, `[INST]`.
    InstOpen,
    /// The end of an instruction, `[/INST]`.
    InstClose,
    /// Text.
    Text(String),
}

/// What the model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// What repeats over many prompts; it is evaluated once for those that follow each other.
    pub shared: Vec<Part>,
    /// What is this prompt's own.
    pub own: Vec<Part>,
}

/// How many tokens an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens that were evaluated.
    pub evaluated: usize,
    /// Tokens that were in the cache already.
    pub reused: usize,
}

/// How likely each choice is as the next words.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The natural logarithm of each choice's probability over the whole vocabulary; of a choice
    /// of several tokens the mean over them.
    pub log_probabilities: Vec<f64>,
    /// What it cost.
    pub usage: Usage,
}

impl Scores {
    /// The probabilities of the choices among themselves; they sum to one.
    #[must_use]
    pub fn distribution(&self) -> Vec<f64> {
        let greatest = self
            .log_probabilities
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = self
            .log_probabilities
            .iter()
            .map(|value| (value - greatest).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

/// A text that the model wrote under a grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
}

/// What answers: model, engine and everything that its bits depend on. Part of what pins a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The model's name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// How its weights are stored: `Q4_K`, `Q8_0`, ….
    pub weights: String,
    /// How many parameters it has.
    pub parameters: u64,
    /// The digest of the model file.
    pub digest: Digest,
    /// The engine, with its version.
    pub engine: String,
    /// The longest sequence, in tokens.
    pub context: u32,
    /// How many tokens are evaluated at a time.
    pub ubatch: u32,
    /// The processor that the engine was built for.
    pub processor: String,
}

/// Something that scores choices and writes under a grammar.
pub trait Engine {
    /// What answers.
    fn identity(&self) -> &Identity;

    /// The longest prompt, in tokens; room for an answer is kept beside it.
    fn capacity(&self) -> usize;

    /// Counts the tokens of a prompt.
    ///
    /// # Errors
    /// If the prompt cannot be tokenized.
    fn count(&self, prompt: &Prompt) -> Result<usize, LlmError>;

    /// Scores each of the choices as what follows the prompt.
    ///
    /// # Errors
    /// If the prompt is empty or too long, a choice is empty, or the engine fails.
    fn score(&mut self, prompt: &Prompt, choices: &[&str]) -> Result<Scores, LlmError>;

    /// Continues the prompt and `chosen`, always with the likeliest token that the grammar (GBNF,
    /// rule `root`) allows, until the grammar ends or `max_tokens` are written.
    ///
    /// # Errors
    /// If the prompt is empty or too long, the grammar is not one, or the engine fails.
    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        max_tokens: usize,
    ) -> Result<Completion, LlmError>;
}

/// Says why a model cannot be used, or does not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The file is not a model that konform runs.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// llama.cpp refuses the file for a reason that the header does not show.
    #[error(
        "{path}: llama.cpp cannot load this model ({reason}). Its header is whole, so its tensors \
         may not fit its architecture; fetch the file again, or take another conversion of it"
    )]
    Load {
        /// The file.
        path: PathBuf,
        /// What llama.cpp says.
        reason: String,
    },
    /// There is too little memory.
    #[error(
        "{path}: the model needs about {needed_mib} MiB (with a context of {context} tokens), and \
         {available_mib} MiB are free. Take a smaller model, or end other programs"
    )]
    Memory {
        /// The file.
        path: PathBuf,
        /// Weights and cache, in MiB.
        needed_mib: u64,
        /// What is free, in MiB.
        available_mib: u64,
        /// The context, in tokens.
        context: u32,
    },
    /// The prompt does not fit.
    #[error("the prompt takes {tokens} tokens, and the model reads {capacity}")]
    TooLong {
        /// Its length.
        tokens: usize,
        /// What fits.
        capacity: usize,
    },
    /// There is nothing to answer to, or nothing to choose from.
    #[error("a prompt without tokens of its own, or a choice without tokens, has no answer")]
    Empty,
    /// The grammar is not one, or forbids every token of the vocabulary.
    #[error("the grammar cannot be used: {reason}")]
    Grammar {
        /// What is wrong with it.
        reason: String,
    },
    /// llama.cpp failed.
    #[error("llama.cpp failed to {task}: {reason}")]
    Engine {
        /// What it was to do.
        task: &'static str,
        /// What it says.
        reason: String,
    },
}
