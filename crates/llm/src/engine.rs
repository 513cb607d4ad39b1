use std::path::PathBuf;

use konform_terms::Digest;
use serde::{Deserialize, Serialize};

use crate::{gguf::GgufError, human::bytes, server::ServerError};

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

/// What the model is asked: blocks of parts, from what most prompts share to what is this prompt's
/// own. All prompts of a run are a tree of blocks; a block that several prompts begin with is
/// evaluated once where they follow each other, and the shared ones once for all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// The blocks. Each is evaluated by itself, so that the bits behind it do not depend on where
    /// reuse began.
    pub blocks: Vec<Block>,
    /// How many of them, from the first on, prompts about other documents begin with as well: their
    /// state is kept.
    pub shared: usize,
}

/// Parts that are evaluated in one call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Block {
    /// The parts.
    pub parts: Vec<Part>,
    /// What stands behind them in that call and is no part of the prompt: so a prompt can begin with
    /// a piece of another one's block, and nothing is evaluated for it where that one went before.
    /// Nothing stands behind a prompt's last block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Part>,
}

impl From<Vec<Part>> for Block {
    fn from(parts: Vec<Part>) -> Self {
        Self {
            parts,
            behind: vec![],
        }
    }
}

impl Prompt {
    /// Makes a prompt of blocks, of which the first is shared.
    #[must_use]
    pub fn new(blocks: impl IntoIterator<Item = impl Into<Block>>) -> Self {
        Self {
            blocks: blocks.into_iter().map(Into::into).collect(),
            shared: 1,
        }
    }

    /// All parts, in their order.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.blocks.iter().flat_map(|block| &block.parts)
    }
}

/// What comes before speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One prompt at a time: the same question has the same bits, however it was batched, in
    /// whatever order, with any number of threads.
    #[default]
    Replayable,
    /// Several prompts at a time: faster, and the last bits depend on what was asked together.
    Throughput,
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
    /// The probabilities of the choices among themselves; they sum to one. Choices that are all
    /// impossible are equally likely.
    #[must_use]
    pub fn distribution(&self) -> Vec<f64> {
        let values = &self.log_probabilities;
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |value: &f64| {
            if greatest.is_finite() {
                (value - greatest).exp()
            } else {
                1.0
            }
        };
        let weights: Vec<f64> = values.iter().map(weight).collect();
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
///
/// The number of threads is not in it: the bits do not depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The model's name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// How its weights are stored: `Q4_K_M`, `Q8_0`, ….
    pub weights: String,
    /// How many parameters it has.
    pub parameters: u64,
    /// The size of the model file, in bytes.
    pub size: u64,
    /// The digest of the model file.
    pub digest: Digest,
    /// The engine, with its version.
    pub engine: String,
    /// The longest sequence, in tokens.
    pub context: u32,
    /// How many tokens are evaluated at a time.
    pub ubatch: u32,
    /// Whether prompts are evaluated one at a time.
    #[serde(default)]
    pub mode: Mode,
    /// The way in which prompts are cut into calls of the model, by number: another one gives other
    /// last digits. 0 where there is but one.
    #[serde(default)]
    pub calls: u32,
    /// Whether attention is computed in one step (flash attention).
    pub flash_attention: bool,
    /// The type of the cache of keys and values.
    pub cache: String,
    /// The features of the processor that the engine uses.
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

    /// Scores each of the choices as what follows each of the prompts. Prompts that begin alike
    /// cost least where they stand side by side.
    ///
    /// # Errors
    /// If a prompt is empty or too long, a choice is empty, or the engine fails.
    fn score(&mut self, prompts: &[Prompt], choices: &[&str]) -> Result<Vec<Scores>, LlmError>;

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
    /// The server does not answer, or not what was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
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
        "{path}: {}about {} for a context of {context} tokens are needed, and {} of memory are \
         free. Take a smaller context or model, or end other programs",
        for_weights(*weights),
        bytes(*cache),
        bytes(*free)
    )]
    Memory {
        /// The file.
        path: PathBuf,
        /// What the weights take, in bytes; nothing where they are in memory already.
        weights: u64,
        /// What the context takes, in bytes.
        cache: u64,
        /// The context, in tokens.
        context: u32,
        /// What is free, in bytes.
        free: u64,
    },
    /// The prompt does not fit.
    #[error(
        "{tokens} tokens are too many where {capacity} fit. Shorten the text, or take a larger \
         context"
    )]
    TooLong {
        /// Its length.
        tokens: usize,
        /// What fits.
        capacity: usize,
    },
    /// There is nothing to answer to, or nothing to choose from.
    #[error("a prompt without tokens of its own, or a choice without tokens, has no answer")]
    Empty,
    /// The grammar is not one that is understood, or forbids every token of the vocabulary.
    #[error("the grammar cannot be used: {reason}")]
    Grammar {
        /// What is wrong with it.
        reason: String,
    },
    /// Answers are replayed, and this one was not recorded.
    #[error(
        "no answer was recorded for the prompt {prompt} (task {task}). Record the run again, \
         or ask a model"
    )]
    NotRecorded {
        /// What was asked for.
        task: &'static str,
        /// The digest of the question.
        prompt: Digest,
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

fn for_weights(weights: u64) -> String {
    match weights {
        0 => String::new(),
        weights => format!("{} for the weights and ", bytes(weights)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn distribution(log_probabilities: &[f64]) -> Vec<f64> {
        let usage = Usage::default();
        Scores {
            log_probabilities: log_probabilities.to_vec(),
            usage,
        }
        .distribution()
    }

    #[test]
    fn a_distribution_sums_to_one_however_unlikely_the_choices_are() {
        assert_eq!(distribution(&[]), Vec::<f64>::new());
        assert_eq!(distribution(&[-1000.0, -1000.0]), [0.5, 0.5]);
        assert_eq!(distribution(&[f64::NEG_INFINITY, -2.0]), [0.0, 1.0]);
        assert_eq!(distribution(&[f64::NEG_INFINITY; 2]), [0.5, 0.5]);
    }

    #[test]
    fn too_little_memory_is_told_in_numbers() {
        let mut error = LlmError::Memory {
            path: "model.gguf".into(),
            weights: 4_100_000_000,
            cache: 537_000_000,
            context: 4096,
            free: 3_200_000_000,
        };
        insta::assert_snapshot!(error, @"model.gguf: 4.1 GB for the weights and about 537.0 MB for a context of 4096 tokens are needed, and 3.2 GB of memory are free. Take a smaller context or model, or end other programs");
        if let LlmError::Memory { weights, .. } = &mut error {
            *weights = 0;
        }
        insta::assert_snapshot!(error, @"model.gguf: about 537.0 MB for a context of 4096 tokens are needed, and 3.2 GB of memory are free. Take a smaller context or model, or end other programs");
    }
}
