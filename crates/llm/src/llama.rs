use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use konform_terms::Digest;
use llama_cpp_2::{
    LogOptions,
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    sampling::LlamaSampler,
    send_logs_to_tracing,
    token::LlamaToken,
};

use crate::{
    engine::{Completion, Engine, Identity, LlmError, Part, Prompt, Scores, Usage},
    gguf::{self, Header},
};

/// Tokens that are kept free behind a prompt, for the answer.
const ANSWER: usize = 64;
/// The one sequence that there is.
const SEQUENCE: u32 = 0;
/// The engine's name and version, as in the workspace's Cargo.toml.
const ENGINE: &str = "llama.cpp (llama-cpp-2 0.1.160)";

/// How a model is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Threads, by default one for a small model and one per processor for others; the bits do not
    /// depend on it.
    pub threads: Option<u16>,
    /// The longest sequence, in tokens; less where the model was trained on less.
    pub context: u32,
    /// How many tokens are evaluated at a time; the bits depend on it.
    pub ubatch: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads: None,
            context: 4096,
            ubatch: 512,
        }
    }
}

/// A model in memory.
pub struct Model {
    path: PathBuf,
    header: Header,
    digest: Digest,
    model: LlamaModel,
}

impl Model {
    /// Loads a model file, after it was checked.
    ///
    /// # Errors
    /// If the file is missing, damaged, truncated or of another architecture, or if there is too
    /// little memory for it; nothing was loaded then.
    pub fn load(path: &Path, settings: &Settings) -> Result<Self, LlmError> {
        let header = Header::read(path)?;
        check_memory(path, &header, settings)?;
        let digest = gguf::digest_file(path)?;
        let backend = backend()?;
        let model = LlamaModel::load_from_file(backend, path, &LlamaModelParams::default())
            .map_err(|error| LlmError::Load {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            path: path.to_owned(),
            header,
            digest,
            model,
        })
    }

    /// What the header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The digest of the file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Makes an engine that runs this model.
    ///
    /// # Errors
    /// If llama.cpp refuses the settings.
    pub fn engine(&self, settings: &Settings) -> Result<LlamaCpp<'_>, LlmError> {
        LlamaCpp::new(self, settings)
    }
}

/// The backend, made once: llama.cpp has one per process.
fn backend() -> Result<&'static LlamaBackend, LlmError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            send_logs_to_tracing(LogOptions::default());
            LlamaBackend::init().map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|reason| LlmError::Engine {
            task: "start",
            reason: reason.clone(),
        })
}

/// The threads that a model gets. Threads meet at every layer: for a small model that costs more
/// than it brings, and on a busy machine many times more.
fn threads_of(header: &Header, settings: &Settings) -> u16 {
    const SMALL: u64 = 100_000_000;
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    match settings.threads {
        Some(threads) => threads.max(1),
        None if header.parameters < SMALL => 1,
        None => u16::try_from(all()).unwrap_or(u16::MAX),
    }
}

/// The context that a model gets, in tokens.
fn context_of(header: &Header, settings: &Settings) -> u32 {
    let trained = u32::try_from(header.context).unwrap_or(u32::MAX);
    // A context below one batch is not worth the special case.
    settings.context.min(trained).max(256)
}

/// Weighs weights and cache against what is free, where the system tells.
fn check_memory(path: &Path, header: &Header, settings: &Settings) -> Result<(), LlmError> {
    let Some(available) = available_bytes() else {
        return Ok(());
    };
    let context = context_of(header, settings);
    let needed = header.size + header.cache_bytes().saturating_mul(u64::from(context));
    if needed > available {
        return Err(LlmError::Memory {
            path: path.to_owned(),
            needed_mib: needed >> 20,
            available_mib: available >> 20,
            context,
        });
    }
    Ok(())
}

fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// llama.cpp in this process, with one sequence.
pub struct LlamaCpp<'m> {
    model: &'m Model,
    context: LlamaContext<'m>,
    identity: Identity,
    ubatch: usize,
    capacity: usize,
    open: Vec<LlamaToken>,
    close: Vec<LlamaToken>,
    /// What the cache holds: the shared part of the last prompt …
    shared: Vec<LlamaToken>,
    /// … and all that follows it.
    own: Vec<LlamaToken>,
    /// The scores of the vocabulary behind `own`.
    logits: Vec<f32>,
}

impl<'m> LlamaCpp<'m> {
    fn new(model: &'m Model, settings: &Settings) -> Result<Self, LlmError> {
        let context = context_of(&model.header, settings);
        let ubatch = settings.ubatch.clamp(32, context);
        let threads = i32::from(threads_of(&model.header, settings));
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(context))
            .with_n_batch(ubatch)
            .with_n_ubatch(ubatch)
            .with_n_seq_max(1)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_ENABLED);
        let llama = model
            .model
            .new_context(backend()?, parameters)
            .map_err(|error| engine_error("make a context", error))?;
        let control = |text: &str| {
            let tokens = model.model.vocab().tokenize(text.as_bytes(), false, true);
            match tokens[..] {
                [token] if model.model.vocab().is_control(token) => tokens,
                // Mistral's first vocabularies write instructions as plain text.
                _ => model.model.vocab().tokenize(text.as_bytes(), false, false),
            }
        };
        let name = model.header.name.clone().unwrap_or_else(|| {
            let stem = model.path.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        });
        let identity = Identity {
            name,
            architecture: model.header.architecture.clone(),
            weights: model.header.weights.clone(),
            parameters: model.header.parameters,
            digest: model.digest,
            engine: ENGINE.to_owned(),
            context,
            ubatch,
            processor: format!("{} (build default)", std::env::consts::ARCH),
        };
        Ok(Self {
            open: control("[INST]"),
            close: control("[/INST]"),
            model,
            context: llama,
            identity,
            ubatch: ubatch as usize,
            capacity: (context as usize).saturating_sub(ANSWER),
            shared: vec![],
            own: vec![],
            logits: vec![],
        })
    }

    /// Tokenizes parts, each by itself; text forms no control token.
    fn tokens(&self, parts: &[Part]) -> Vec<LlamaToken> {
        let vocabulary = self.model.model.vocab();
        parts
            .iter()
            .flat_map(|part| match part {
                Part::Bos => vec![vocabulary.bos()],
                Part::InstOpen => self.open.clone(),
                Part::InstClose => self.close.clone(),
                Part::Text(text) => vocabulary.tokenize(text.as_bytes(), false, false),
            })
            .collect()
    }

    /// Brings a prompt into the cache, in the same calls whatever the cache holds.
    fn prefill(&mut self, prompt: &Prompt) -> Result<Usage, LlmError> {
        let (shared, own) = (self.tokens(&prompt.shared), self.tokens(&prompt.own));
        let tokens = shared.len() + own.len();
        if own.is_empty() {
            return Err(LlmError::Empty);
        }
        if tokens > self.capacity {
            return Err(LlmError::TooLong {
                tokens,
                capacity: self.capacity,
            });
        }
        if shared == self.shared && own == self.own {
            self.forget_after(tokens)?;
            return Ok(Usage {
                evaluated: 0,
                reused: tokens,
            });
        }
        self.own.clear();
        let mut reused = 0;
        if shared == self.shared {
            self.forget_after(shared.len())?;
            reused = shared.len();
        } else {
            self.shared.clear();
            self.context.clear_kv_cache();
            self.evaluate(&shared, 0)?;
            self.shared = shared;
        }
        self.logits = self.evaluate(&own, self.shared.len())?;
        self.own = own;
        Ok(Usage {
            evaluated: tokens - reused,
            reused,
        })
    }

    /// Evaluates tokens behind a position and gives the scores behind the last of them.
    fn evaluate(&mut self, tokens: &[LlamaToken], from: usize) -> Result<Vec<f32>, LlmError> {
        let mut batch = LlamaBatch::new(self.ubatch, 1);
        let mut last = 0;
        for (piece, tokens) in tokens.chunks(self.ubatch).enumerate() {
            batch.clear();
            last = tokens.len() - 1;
            for (index, &token) in tokens.iter().enumerate() {
                let position = i32::try_from(from + piece * self.ubatch + index)
                    .map_err(|error| engine_error("count positions", error))?;
                batch
                    .add(token, position, &[0], index == last)
                    .map_err(|error| engine_error("fill a batch", error))?;
            }
            self.context.decode(&mut batch).map_err(|error| {
                // Nothing may be taken for cached after a failure.
                engine_error("evaluate a prompt", error)
            })?;
        }
        if tokens.is_empty() {
            return Ok(vec![]);
        }
        let last = i32::try_from(last).map_err(|error| engine_error("count positions", error))?;
        Ok(self.context.get_logits_ith(last).to_vec())
    }

    fn forget_after(&mut self, length: usize) -> Result<(), LlmError> {
        let from = u32::try_from(length).map_err(|error| engine_error("count positions", error))?;
        let gone = self
            .context
            .clear_kv_cache_seq(Some(SEQUENCE), Some(from), None);
        if gone.is_ok_and(|gone| gone) {
            return Ok(());
        }
        self.shared.clear();
        self.own.clear();
        Err(LlmError::Engine {
            task: "take back tokens",
            reason: "the cache refused".to_owned(),
        })
    }

    fn prompt_length(&self) -> usize {
        self.shared.len() + self.own.len()
    }
}

impl Engine for LlamaCpp<'_> {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn count(&self, prompt: &Prompt) -> Result<usize, LlmError> {
        Ok(self.tokens(&prompt.shared).len() + self.tokens(&prompt.own).len())
    }

    fn score(&mut self, prompt: &Prompt, choices: &[&str]) -> Result<Scores, LlmError> {
        let mut usage = self.prefill(prompt)?;
        let end = self.prompt_length();
        let first = log_softmax(&self.logits);
        let mut log_probabilities = Vec::with_capacity(choices.len());
        for choice in choices {
            let tokens = self.tokens(&[Part::Text((*choice).to_owned())]);
            let (Some((&head, rest)), true) = (tokens.split_first(), tokens.len() <= ANSWER) else {
                return Err(LlmError::Empty);
            };
            let mut sum = value(&first, head);
            for (index, &token) in rest.iter().enumerate() {
                let logits = self.evaluate(&tokens[index..=index], end + index)?;
                usage.evaluated += 1;
                sum += value(&log_softmax(&logits), token);
            }
            if !rest.is_empty() {
                self.forget_after(end)?;
            }
            #[expect(clippy::cast_precision_loss, reason = "a choice has few tokens")]
            log_probabilities.push(sum / tokens.len() as f64);
        }
        Ok(Scores {
            log_probabilities,
            usage,
        })
    }

    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        max_tokens: usize,
    ) -> Result<Completion, LlmError> {
        let mut usage = self.prefill(prompt)?;
        let mut at = self.prompt_length();
        let vocabulary = self.model.model.vocab();
        let mut grammar =
            LlamaSampler::grammar(&self.model.model, grammar, "root").map_err(|error| {
                LlmError::Grammar {
                    reason: error.to_string(),
                }
            })?;
        let mut next = self.tokens(&[Part::Text(chosen.to_owned())]);
        let room = ANSWER.saturating_sub(next.len());
        let mut logits = if next.is_empty() {
            self.logits.clone()
        } else {
            vec![]
        };
        let mut bytes = Vec::new();
        for _ in 0..max_tokens.min(room) {
            if !next.is_empty() {
                logits = self.evaluate(&next, at)?;
                at += next.len();
                usage.evaluated += next.len();
            }
            let token = allowed(&mut grammar, &logits)?;
            if vocabulary.is_eog(token) {
                break;
            }
            grammar.accept(token);
            bytes.extend(vocabulary.token_to_piece(token, false, None));
            next = vec![token];
        }
        self.forget_after(self.prompt_length())?;
        Ok(Completion {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            usage,
        })
    }
}

/// The likeliest token that the grammar allows; the smallest of equals. The grammar is told of no
/// other: it ends the process on what it forbids.
fn allowed(grammar: &mut LlamaSampler, logits: &[f32]) -> Result<LlamaToken, LlmError> {
    use llama_cpp_2::token::{data::LlamaTokenData, data_array::LlamaTokenDataArray};
    let data = logits
        .iter()
        .zip(0..)
        .map(|(&logit, id)| LlamaTokenData::new(LlamaToken(id), logit, 0.0));
    let mut candidates = LlamaTokenDataArray::from_iter(data, false);
    grammar.apply(&mut candidates);
    let mut best: Option<(f32, LlamaToken)> = None;
    for candidate in &candidates.data {
        let logit = candidate.logit();
        let better = best.is_none_or(|(greatest, token)| {
            logit > greatest || (logit == greatest && candidate.id().0 < token.0)
        });
        if logit.is_finite() && better {
            best = Some((logit, candidate.id()));
        }
    }
    best.map(|(_, token)| token)
        .ok_or_else(|| LlmError::Grammar {
            reason: "it allows no token of this vocabulary".to_owned(),
        })
}

/// The natural logarithm of each probability, in 64 bits and in the order of the vocabulary.
fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .map(|&logit| f64::from(logit - greatest).exp())
        .sum();
    let log_sum = sum.ln();
    logits
        .iter()
        .map(|&logit| f64::from(logit - greatest) - log_sum)
        .collect()
}

fn value(log_probabilities: &[f64], token: LlamaToken) -> f64 {
    usize::try_from(token.0)
        .ok()
        .and_then(|index| log_probabilities.get(index).copied())
        .unwrap_or(f64::NEG_INFINITY)
}

fn engine_error(task: &'static str, error: impl std::fmt::Display) -> LlmError {
    LlmError::Engine {
        task,
        reason: error.to_string(),
    }
}
