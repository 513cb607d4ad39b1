//! An OpenAI-compatible server on the user's own network.

mod answer;
mod client;
mod error;
mod text;

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZeroU8,
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use konform_terms::Digest;
use serde_json::{Value, json};

use self::client::Client;
pub use self::error::ServerError;
use crate::engine::{Completion, Engine, Identity, LlmError, Mode, Part, Prompt, Scores, Usage};

/// Tokens that are kept free behind a prompt, for the answer.
const ANSWER: usize = 160;
/// How many of the likeliest tokens are asked for: as many as vLLM gives if it is not told
/// otherwise.
const MANY: u8 = 20;
/// How many are asked for where that is too many: as many as the interface was made with.
const FEW: u8 = 5;
/// How vLLM writes a token as its number.
const NUMBERED: &str = "token_id:";

/// Where a server is, and how it is asked.
#[derive(Clone)]
pub struct ServerSettings {
    /// The address that its paths begin with, such as `http://127.0.0.1:8000/v1`.
    pub address: String,
    /// The model's name; without one the first that the server has.
    pub model: Option<String>,
    /// What the server is to know its user by. It is sent to the address alone and shown nowhere.
    pub key: Option<String>,
    /// The longest sequence, in tokens; less where the server says so.
    pub context: u32,
    /// How many prompts are asked at a time.
    pub concurrency: NonZeroU8,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl ServerSettings {
    /// The settings of a server at an address: its first model, no key, a context of 4096 tokens,
    /// four prompts at a time, two minutes.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            model: None,
            key: None,
            context: 4096,
            concurrency: const { NonZeroU8::new(4).expect("four is not nothing") },
            timeout: Duration::from_secs(120),
        }
    }
}

impl fmt::Debug for ServerSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            model,
            key,
            context,
            concurrency,
            timeout,
        } = self;
        // A password may stand before an `@`.
        let address = address.rsplit('@').next();
        formatter
            .debug_struct("ServerSettings")
            .field("address", &address.unwrap_or_default())
            .field("model", model)
            .field("key", &key.as_ref().map(|_| "…"))
            .field("context", context)
            .field("concurrency", concurrency)
            .field("timeout", timeout)
            .finish()
    }
}

/// A model behind an OpenAI-compatible server: vLLM, llama-server, llama-cpp-python.
///
/// # What is asked
/// `/models` once, and `/completions` of the prompt's text for each prompt: one token, with the log
/// probabilities of the likeliest ones; for a text under a grammar, `grammar` (llama-server),
/// `guided_grammar` and `structured_outputs` (vLLM) are sent, and a server that knows none of them
/// writes freely, until the end of the line. Where vLLM names tokens by number, which tells those
/// apart that are written alike, its `/detokenize` beside `/v1` is asked what they say, once each.
/// Nothing is sent to any other address, through a proxy, or where a server sends on to. Where the
/// connection breaks, or the server is busy or fails (429, 5xx), the same is asked up to three
/// times, after half a second and a second, or as long as the server asks for (half a minute at
/// most).
///
/// # What is not as with a model in this process
/// - Weights cannot be pinned: the digest in the [`Identity`] is that of address and model name.
/// - The server tokenizes, so the length of a prompt is an estimate: a token for every two bytes,
///   which is about what Greek and Cyrillic take and twice what English does.
/// - The server reads control tokens out of the text. What looks like one in a [`Part::Text`] gets
///   a space behind its bracket (`[ INST]`). [`Part::Bos`] is left out, as servers add it;
///   instructions are marked as Mistral's models know them.
/// - A choice has to be one token; of one that is not among the likeliest ones only a bound is
///   known, and that is its score.
pub struct Server {
    client: Client,
    identity: Identity,
    capacity: usize,
    concurrency: usize,
    /// How many of the likeliest tokens the server gives.
    likeliest: AtomicU8,
    /// What the tokens say that were named by number.
    tokens: Mutex<BTreeMap<u64, String>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("identity", &self.identity)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Asks a server for its models and takes one.
    ///
    /// # Errors
    /// If the address or the key is none, the server cannot be reached or refuses, its answer is no
    /// list of models, or the model is not in it.
    pub fn connect(settings: &ServerSettings) -> Result<Self, LlmError> {
        let client = Client::new(settings)?;
        let models = client.ask("models", None)?;
        let Some(models) = models["data"].as_array() else {
            return Err(lacks(&client, "models", "a list of models (`data`)"));
        };
        let model = match &settings.model {
            None => models.first(),
            Some(name) => models.iter().find(|model| model["id"] == name.as_str()),
        };
        let Some(model) = model else {
            return Err(unknown(&client, settings, models));
        };
        let Some(name) = model["id"].as_str() else {
            return Err(lacks(
                &client,
                "models",
                "the name of a model (`data[0].id`)",
            ));
        };
        // vLLM says how long a sequence may be.
        let longest = model["max_model_len"].as_u64();
        let longest = longest.and_then(|tokens| u32::try_from(tokens).ok());
        let context = settings.context.min(longest.unwrap_or(u32::MAX));
        let address = client.address();
        let identity = Identity {
            name: name.to_owned(),
            architecture: "unknown".to_owned(),
            weights: "unknown".to_owned(),
            parameters: 0,
            size: 0,
            digest: Digest::of(format!("{address}\n{name}")),
            engine: format!("OpenAI-compatible server at {address}"),
            context,
            ubatch: 1,
            mode: Mode::Throughput,
            calls: 0,
            flash_attention: false,
            cache: "unknown".to_owned(),
            processor: "unknown".to_owned(),
        };
        Ok(Self {
            client,
            identity,
            capacity: (context as usize).saturating_sub(ANSWER),
            concurrency: settings.concurrency.get().into(),
            likeliest: AtomicU8::new(MANY),
            tokens: Mutex::default(),
        })
    }

    /// The text of a prompt that is neither empty nor, by the estimate, too long.
    fn text(&self, prompt: &Prompt) -> Result<String, LlmError> {
        let text = text::render(prompt.parts());
        if text.is_empty() {
            return Err(LlmError::Empty);
        }
        let tokens = estimate(prompt);
        if tokens > self.capacity {
            return Err(LlmError::TooLong {
                tokens,
                capacity: self.capacity,
            });
        }
        Ok(text)
    }

    fn score_one(&self, prompt: &str, choices: &[&str]) -> Result<Scores, LlmError> {
        let answer = self.likeliest(prompt)?;
        let missing = |what| lacks(&self.client, "completions", what);
        let mut tokens = answer::likeliest(&answer).map_err(missing)?;
        for (token, _) in &mut tokens {
            let number = token.strip_prefix(NUMBERED);
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                *token = self.token(number)?;
            }
        }
        let values = choices.iter().map(|choice| answer::choice(&tokens, choice));
        Ok(Scores {
            log_probabilities: values.collect(),
            usage: answer::usage(&answer).0,
        })
    }

    /// Asks for the likeliest next tokens, for fewer where the server gives not as many.
    fn likeliest(&self, prompt: &str) -> Result<Value, ServerError> {
        let ask = |count: u8| {
            let body = json!({
                "model": self.identity.name,
                "prompt": prompt,
                "max_tokens": 1,
                "temperature": 0,
                "logprobs": count,
                "return_tokens_as_token_ids": true,
            });
            self.client.ask("completions", Some(&body))
        };
        let count = self.likeliest.load(Ordering::Relaxed);
        match ask(count) {
            Err(ServerError::Refused {
                status: 400 | 422,
                message,
                ..
            }) if count > FEW && message.contains("logprobs") => {
                self.likeliest.store(FEW, Ordering::Relaxed);
                ask(FEW)
            }
            answer => answer,
        }
    }

    /// What a token says.
    fn token(&self, number: u64) -> Result<String, LlmError> {
        let tokens = || self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens().get(&number) {
            return Ok(token.clone());
        }
        let path = "/detokenize";
        let body = json!({"model": self.identity.name, "tokens": [number]});
        let answer = self.client.ask(path, Some(&body))?;
        let token = answer["prompt"]
            .as_str()
            .ok_or_else(|| lacks(&self.client, path, "what a token says (`prompt`)"))?;
        tokens().insert(number, token.to_owned());
        Ok(token.to_owned())
    }
}

impl Engine for Server {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn count(&self, prompt: &Prompt) -> Result<usize, LlmError> {
        Ok(estimate(prompt))
    }

    fn score(&mut self, prompts: &[Prompt], choices: &[&str]) -> Result<Vec<Scores>, LlmError> {
        if choices.iter().any(|choice| answer::bare(choice).is_empty()) {
            return Err(LlmError::Empty);
        }
        let texts = prompts
            .iter()
            .map(|prompt| self.text(prompt))
            .collect::<Result<Vec<_>, _>>()?;
        at_a_time(self.concurrency, &texts, |text| {
            self.score_one(text, choices)
        })
    }

    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        max_tokens: usize,
    ) -> Result<Completion, LlmError> {
        self.text(prompt)?;
        let chosen = Part::Text(chosen.to_owned());
        let max_tokens = max_tokens.min(ANSWER);
        if max_tokens == 0 {
            return Ok(Completion {
                text: String::new(),
                usage: Usage::default(),
            });
        }
        let mut body = json!({
            "model": self.identity.name,
            "prompt": text::render(prompt.parts().chain([&chosen])),
            "max_tokens": max_tokens,
            "temperature": 0,
            "stop": ["\n"],
        });
        if !grammar.is_empty() {
            body["grammar"] = json!(grammar);
            body["guided_grammar"] = json!(grammar);
            body["structured_outputs"] = json!({"grammar": grammar});
        }
        let answer = self.client.ask("completions", Some(&body))?;
        let text = answer["choices"][0]["text"]
            .as_str()
            .ok_or_else(|| lacks(&self.client, "completions", "a text (`choices[0].text`)"))?;
        let (mut usage, written) = answer::usage(&answer);
        usage.evaluated += written;
        Ok(Completion {
            text: text.split('\n').next().unwrap_or_default().to_owned(),
            usage,
        })
    }
}

/// A token for every two bytes and for every control token; one for the begin of the sequence,
/// which the server adds.
fn estimate(prompt: &Prompt) -> usize {
    let tokens = |part: &Part| match part {
        Part::Text(text) => text.len().div_ceil(2),
        _ => 1,
    };
    prompt.parts().map(tokens).sum()
}

/// Works on items, some at a time, and gives the results in the items' order. After the first
/// failure no item is begun any more.
fn at_a_time<I: Sync, T: Send, E: Send>(
    workers: usize,
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let worker = || {
        let mut done = vec![];
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((at, result));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let workers = (0..workers.min(items.len())).map(|_| scope.spawn(worker));
        let workers: Vec<_> = workers.collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| panic::resume_unwind(panic))
            })
            .collect::<Vec<_>>()
    });
    done.sort_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn lacks(client: &Client, path: &str, missing: &'static str) -> LlmError {
    let url = client.url(path);
    ServerError::Answer { url, missing }.into()
}

/// Says that the model is not among those that the server has.
fn unknown(client: &Client, settings: &ServerSettings, models: &[Value]) -> LlmError {
    let Some(model) = &settings.model else {
        return lacks(client, "models", "any model");
    };
    let names: Vec<&str> = models
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    let known = match names[..] {
        [] => "none".to_owned(),
        _ => client::one_line(&names.join(", ")),
    };
    ServerError::Model {
        address: client.address().to_owned(),
        model: client::one_line(model),
        known,
    }
    .into()
}
