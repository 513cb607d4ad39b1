use std::{
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use konform_terms::Digest;
use llama_cpp_2::{
    LogOptions,
    llama_backend::LlamaBackend,
    model::{LlamaModel, params::LlamaModelParams},
    send_logs_to_tracing,
};

use super::{LlamaCpp, PrefixCache, memory, variants};
use crate::{
    engine::{LlmError, Mode},
    gguf::{self, GgufError, Header},
};

/// A model with fewer parameters than this is run by one thread.
const SMALL: u64 = 100_000_000;
/// llama.cpp ends the process beyond 512 threads.
const MOST_THREADS: u16 = 256;
/// A context below this holds no prompt.
const LEAST_CONTEXT: u32 = 256;
/// Pieces of a prompt are not longer than this.
const MOST_UBATCH: u32 = 2048;

/// How a model is run. Values that cannot be are brought to the nearest that can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Threads, as many as there are processors at most; without a number one for a small model and
    /// one for each core for others. The bits do not depend on it.
    pub threads: Option<u16>,
    /// The longest sequence, in tokens; less where the model was trained on less.
    pub context: u32,
    /// How many tokens are evaluated at a time; the bits depend on it.
    pub ubatch: u32,
    /// Whether prompts are evaluated one at a time; the bits depend on it.
    pub mode: Mode,
    /// Where the states of shared blocks are kept between runs, if they are.
    pub prefix_cache: Option<PrefixCache>,
}

impl Default for Settings {
    /// The threads that suit the model, and a context that suits short documents.
    fn default() -> Self {
        Self {
            threads: None,
            context: 4096,
            ubatch: 512,
            mode: Mode::Replayable,
            prefix_cache: None,
        }
    }
}

impl Settings {
    /// The settings that a model is run with.
    pub(super) fn for_model(&self, header: &Header) -> Self {
        let trained = u32::try_from(header.shape.context).unwrap_or(u32::MAX);
        let context = self.context.min(trained).max(LEAST_CONTEXT);
        // Threads meet at every layer: for a small model that costs more than it brings.
        let suits = if header.parameters < SMALL {
            1
        } else {
            memory::physical_cores()
        };
        let wanted = self
            .threads
            .unwrap_or(u16::try_from(suits).unwrap_or(MOST_THREADS));
        // Threads wait for each other without sleeping, so more of them than processors stall.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let most = u16::try_from(processors).map_or(MOST_THREADS, |most| most.min(MOST_THREADS));
        Self {
            threads: Some(wanted.clamp(1, most)),
            context,
            ubatch: self.ubatch.clamp(32, MOST_UBATCH.min(context)),
            mode: self.mode,
            prefix_cache: self.prefix_cache.clone(),
        }
    }
}

/// A model in memory; engines share it.
pub struct Model {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) digest: Digest,
    pub(super) model: LlamaModel,
}

impl Model {
    /// Loads a model file, after it was checked.
    ///
    /// # Errors
    /// If the file is missing, damaged, truncated or of another architecture, or if there is too
    /// little memory for it; nothing was loaded then.
    pub fn load(path: &Path, settings: &Settings) -> Result<Self, LlmError> {
        let header = Header::read(path)?;
        let settings = settings.for_model(&header);
        memory::check(path, &header, false, settings.context, settings.ubatch)?;
        let load = |reason: String| LlmError::Load {
            path: path.to_owned(),
            reason,
        };
        if path.to_str().is_none() {
            return Err(load("its path is not UTF-8".to_owned()));
        }
        let digest = gguf::digest_file(path)?;
        let backend = backend()?;
        let model = {
            let _one = one_at_a_time();
            LlamaModel::load_from_file(backend, path, &LlamaModelParams::default())
                .map_err(|error| load(error.to_string()))?
        };
        let known = 0..model.n_vocab();
        let vocabulary = model.vocab();
        for (key, token) in [
            ("tokenizer.ggml.bos_token_id", vocabulary.bos()),
            ("tokenizer.ggml.eos_token_id", vocabulary.eos()),
        ] {
            if !known.contains(&token.0) {
                return Err(LlmError::Gguf(GgufError::Incomplete {
                    path: path.to_owned(),
                    key: key.to_owned(),
                }));
            }
        }
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
    /// If there is too little memory for its context, or llama.cpp refuses the settings.
    pub fn engine(&self, settings: &Settings) -> Result<LlamaCpp<'_>, LlmError> {
        LlamaCpp::new(self, &settings.for_model(&self.header))
    }
}

/// The backend, made once: llama.cpp has one per process.
pub(super) fn backend() -> Result<&'static LlamaBackend, LlmError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            send_logs_to_tracing(LogOptions::default());
            variants::enter()?;
            LlamaBackend::init().map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|reason| LlmError::Engine {
            task: "start",
            reason: reason.clone(),
        })
}

/// Holds others off: models and contexts must not be made at the same time.
pub(super) fn one_at_a_time() -> impl Drop {
    static MAKING: Mutex<()> = Mutex::new(());
    MAKING.lock().unwrap_or_else(PoisonError::into_inner)
}
