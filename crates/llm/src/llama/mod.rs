//! llama.cpp in this process.

mod calls;
mod grammar;
mod memory;
mod model;
mod prefixes;
mod system;
mod together;
mod variants;

use std::{collections::VecDeque, num::NonZeroU32};

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_batch::LlamaBatch,
    token::LlamaToken,
};

use self::calls::{Call, Question, joined, length};
use self::grammar::Grammar;
use self::prefixes::Prefixes;
pub use self::{
    model::{Model, Settings},
    prefixes::PrefixCache,
    variants::use_processor,
};
use crate::engine::{Completion, Engine, Identity, LlmError, Mode, Part, Prompt, Scores, Usage};

/// Tokens that are kept free behind a prompt, for the answer.
const ANSWER: usize = 160;
/// The sequence that holds the last prompt.
const SEQUENCE: u32 = 0;
/// How many answers are remembered.
const ANSWERS: usize = 64;
/// How many prompts are evaluated at a time where bits may depend on it.
const TOGETHER: u16 = 16;
/// llama.cpp multiplies repacked weights by four tokens at a time; each token left over goes through
/// all of them alone (`forward_mul_mat_one_chunk` in its `repack.cpp`).
const AT_A_TIME: usize = 4;
/// The way in which prompts are cut into calls: 2 since calls are filled up to [`AT_A_TIME`], 3 since
/// a block may be a piece of another prompt's.
const CALLS: u32 = 3;
/// The engine's name and version, as in the workspace's Cargo.toml.
const ENGINE: &str = "llama.cpp (llama-cpp-2 0.1.160)";

/// A context of llama.cpp over a model that others may use too.
pub struct LlamaCpp<'m> {
    model: &'m Model,
    context: LlamaContext<'m>,
    identity: Identity,
    ubatch: usize,
    capacity: usize,
    open: Vec<LlamaToken>,
    close: Vec<LlamaToken>,
    /// The calls that made what the cache holds, in their order; an answer may follow.
    held: Vec<Call>,
    /// The scores of the vocabulary behind them; empty where they were not asked for.
    logits: Vec<f32>,
    /// Shared blocks that were met before.
    prefixes: Prefixes,
    /// The last questions that were asked one at a time, with their answers: what is asked of an
    /// empty document is the same for every document.
    answered: VecDeque<Answered>,
}

/// A prompt's calls, the choices behind it and what they scored.
struct Answered {
    calls: Vec<Call>,
    choices: Vec<String>,
    log_probabilities: Vec<f64>,
}

impl<'m> LlamaCpp<'m> {
    fn new(model: &'m Model, settings: &Settings) -> Result<Self, LlmError> {
        let &Settings {
            threads,
            context,
            ubatch,
            mode,
            ..
        } = settings;
        let _one = model::one_at_a_time();
        memory::check(&model.path, &model.header, true, context, ubatch)?;
        let sequences = match mode {
            Mode::Replayable => 1,
            Mode::Throughput => u32::from(TOGETHER) + 1,
        };
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(context))
            .with_n_batch(ubatch)
            .with_n_ubatch(ubatch)
            .with_n_seq_max(sequences)
            .with_kv_unified(true)
            .with_n_threads(threads.unwrap_or(1).into())
            .with_n_threads_batch(threads.unwrap_or(1).into())
            .with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_ENABLED);
        let llama = model
            .model
            .new_context(model::backend()?, parameters)
            .map_err(|error| engine_error("make a context", error))?;
        let vocabulary = model.model.vocab();
        let control = |text: &str| {
            let tokens = vocabulary.tokenize(text.as_bytes(), false, true);
            match tokens[..] {
                [token] if vocabulary.is_control(token) => tokens,
                // Mistral's first vocabularies write instructions as plain text.
                _ => vocabulary.tokenize(text.as_bytes(), false, false),
            }
        };
        let identity = identify(model, context, ubatch, mode);
        Ok(Self {
            open: control("[INST]"),
            close: control("[/INST]"),
            model,
            context: llama,
            ubatch: ubatch as usize,
            capacity: (context as usize).saturating_sub(ANSWER),
            held: vec![],
            logits: vec![],
            prefixes: Prefixes::new(&identity, settings.prefix_cache.clone()),
            answered: VecDeque::with_capacity(ANSWERS),
            identity,
        })
    }

    /// Tokenizes parts, each by itself; text forms no control token.
    fn tokens(&self, parts: &[Part]) -> Result<Vec<LlamaToken>, LlmError> {
        let vocabulary = self.model.model.vocab();
        let mut tokens = Vec::new();
        for part in parts {
            match part {
                Part::Bos => tokens.push(vocabulary.bos()),
                Part::InstOpen => tokens.extend(&self.open),
                Part::InstClose => tokens.extend(&self.close),
                Part::Text(text) if i32::try_from(text.len()).is_err() => {
                    // llama.cpp counts bytes in 31 bits.
                    return Err(LlmError::TooLong {
                        tokens: text.len(),
                        capacity: self.capacity,
                    });
                }
                Part::Text(text) => {
                    tokens.extend(vocabulary.tokenize(text.as_bytes(), false, false));
                }
            }
        }
        Ok(tokens)
    }

    /// The calls of a prompt; blocks without a token are left out.
    fn question(&self, prompt: &Prompt) -> Result<Question, LlmError> {
        let mut calls = Vec::with_capacity(prompt.blocks.len());
        let mut shared = 0;
        let mut longest = 0;
        for (at, block) in prompt.blocks.iter().enumerate() {
            let mut tokens = self.tokens(&block.parts)?;
            let kept = tokens.len();
            if kept == 0 {
                continue;
            }
            if at + 1 < prompt.blocks.len() {
                tokens.extend(self.tokens(&block.behind)?);
            }
            longest = longest.max(length(&calls) + tokens.len());
            calls.push(Call { tokens, kept });
            if at < prompt.shared {
                shared = calls.len();
            }
        }
        if calls.is_empty() {
            return Err(LlmError::Empty);
        }
        if longest > self.capacity {
            return Err(LlmError::TooLong {
                tokens: longest,
                capacity: self.capacity,
            });
        }
        // Nothing stands behind what is scored, even where blocks without a token follow.
        if let Some(last) = calls.last_mut() {
            last.tokens.truncate(last.kept);
        }
        Ok(Question { calls, shared })
    }

    /// Brings a prompt into the cache, in the same calls whatever the cache holds.
    fn prefill(&mut self, question: &Question) -> Result<Usage, LlmError> {
        let calls = &question.calls;
        if self.held == *calls && !self.logits.is_empty() {
            let tokens = length(calls);
            self.forget_after(tokens)?;
            return Ok(Usage {
                evaluated: 0,
                reused: tokens,
            });
        }
        // The scores behind the last block are known only if it is evaluated.
        let mut usage = self.lay(&calls[..calls.len() - 1], question.shared)?;
        if let Some(last) = calls.last() {
            self.logits = self.evaluate(&last.tokens, length(&self.held), true)?;
            usage.evaluated += last.tokens.len();
            self.held.push(last.clone());
        }
        Ok(usage)
    }

    /// Brings calls into the cache, of which the first `shared` are those of other documents too.
    fn lay(&mut self, calls: &[Call], shared: usize) -> Result<Usage, LlmError> {
        self.keep(calls, shared)?;
        let reused = length(&self.held);
        let mut evaluated = 0;
        for (at, call) in calls.iter().enumerate().skip(self.held.len()) {
            let from = length(&self.held);
            let needed = &call.tokens[..call.needed(self.ubatch)];
            self.evaluate(needed, from, false)?;
            if call.kept < needed.len() {
                self.take_back(from + call.kept)?;
            }
            evaluated += needed.len();
            self.held.push(call.clone());
            if at + 1 == shared {
                self.prefixes.save(&self.context, &joined(calls, shared));
            }
        }
        Ok(Usage { evaluated, reused })
    }

    /// Cuts the cache to what it shares with `calls`; where that is less than what is shared with
    /// other documents, the state of the latter is restored if it is known.
    fn keep(&mut self, calls: &[Call], shared: usize) -> Result<(), LlmError> {
        let mut common = 0;
        for (held, call) in self.held.iter_mut().zip(calls) {
            if held.tokens != call.tokens || held.kept < call.kept {
                break;
            }
            common += 1;
            // What stood behind a piece is gone with the rest of it.
            let is_cut = held.kept > call.kept;
            held.kept = call.kept;
            if is_cut {
                break;
            }
        }
        self.logits.clear();
        if common < shared && shared <= calls.len() {
            let known = self
                .prefixes
                .restore(&mut self.context, &joined(calls, shared));
            if let Some(restored) = known {
                self.held.clear();
                if restored {
                    self.held.extend_from_slice(&calls[..shared]);
                }
                return Ok(());
            }
        }
        self.held.truncate(common);
        if common == 0 {
            self.context.clear_kv_cache();
            return Ok(());
        }
        self.forget_after(length(&self.held))
    }

    /// Evaluates tokens behind a position, in pieces, and gives the scores behind the last of them
    /// where they are asked for.
    ///
    /// A piece is filled up with tokens behind it, which are taken back at once: no token sees what
    /// stands behind it, so they change nothing but the time.
    fn evaluate(
        &mut self,
        tokens: &[LlamaToken],
        from: usize,
        scores: bool,
    ) -> Result<Vec<f32>, LlmError> {
        let mut batch = LlamaBatch::new(self.ubatch, 1);
        let mut position =
            i32::try_from(from).map_err(|error| engine_error("count positions", error))?;
        let mut rest = tokens;
        let mut row = 0;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(self.ubatch));
            batch.clear();
            for (index, &token) in (0..).zip(piece) {
                // Only the row that is read may be asked for, and only such a row may be read.
                let last = scores && after.is_empty() && index + 1 == piece.len();
                batch
                    .add(token, position, &[0], last)
                    .map_err(|error| engine_error("fill a batch", error))?;
                position += 1;
            }
            row = batch.n_tokens() - 1;
            let filler = self.filler(piece.len(), from + tokens.len());
            for (behind, &token) in (position..).zip(piece.iter().take(filler)) {
                batch
                    .add(token, behind, &[0], false)
                    .map_err(|error| engine_error("fill a batch", error))?;
            }
            self.context
                .decode(&mut batch)
                .map_err(|error| engine_error("evaluate a prompt", error))?;
            if filler > 0 {
                self.take_back(from + tokens.len() - after.len())?;
            }
            rest = after;
        }
        if !scores || tokens.is_empty() {
            return Ok(vec![]);
        }
        Ok(self.context.get_logits_ith(row).to_vec())
    }

    /// How many tokens fill a call of `own` up, where a prompt ends at `end` and there is room. A single
    /// token is left alone.
    fn filler(&self, own: usize, end: usize) -> usize {
        let filler = own.next_multiple_of(AT_A_TIME) - own;
        let fits = own + filler <= self.ubatch && end + filler <= self.capacity + ANSWER;
        if own > 1 && fits { filler } else { 0 }
    }

    /// Takes back all tokens from a position on, whatever the cache is known to hold.
    fn take_back(&mut self, length: usize) -> Result<(), LlmError> {
        let from = u32::try_from(length).map_err(|error| engine_error("count positions", error))?;
        let gone = self
            .context
            .clear_kv_cache_seq(Some(SEQUENCE), Some(from), None);
        if gone.is_ok_and(|gone| gone) {
            return Ok(());
        }
        Err(LlmError::Engine {
            task: "take back tokens",
            reason: "the cache refused".to_owned(),
        })
    }

    fn forget_after(&mut self, length: usize) -> Result<(), LlmError> {
        let gone = self.take_back(length);
        if gone.is_ok() {
            return gone;
        }
        self.context.clear_kv_cache();
        self.held.clear();
        self.logits.clear();
        gone
    }

    /// Scores the choices behind one prompt.
    fn score_one(&mut self, question: &Question, choices: &[&str]) -> Result<Scores, LlmError> {
        let known = self
            .answered
            .iter()
            .find(|known| known.calls == question.calls && known.choices == choices);
        if let Some(known) = known {
            return Ok(Scores {
                log_probabilities: known.log_probabilities.clone(),
                usage: Usage {
                    evaluated: 0,
                    reused: length(&question.calls),
                },
            });
        }
        let mut usage = self.prefill(question)?;
        let first = log_softmax(&self.logits);
        let log_probabilities = choices
            .iter()
            .map(|choice| self.score_choice(choice, &first, &mut usage))
            .collect::<Result<Vec<f64>, _>>()?;
        if self.answered.len() == ANSWERS {
            self.answered.pop_front();
        }
        self.answered.push_back(Answered {
            calls: question.calls.clone(),
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
            log_probabilities: log_probabilities.clone(),
        });
        Ok(Scores {
            log_probabilities,
            usage,
        })
    }

    /// The mean of the log probabilities of a choice's tokens behind the prompt.
    fn score_choice(
        &mut self,
        choice: &str,
        first: &[f64],
        usage: &mut Usage,
    ) -> Result<f64, LlmError> {
        let tokens = self.tokens(&[Part::Text(choice.to_owned())])?;
        let Some((&head, rest)) = tokens.split_first() else {
            return Err(LlmError::Empty);
        };
        if tokens.len() > ANSWER {
            return Err(LlmError::TooLong {
                tokens: tokens.len(),
                capacity: ANSWER,
            });
        }
        let mut sum = value(first, head);
        if !rest.is_empty() {
            let end = length(&self.held);
            for (index, &token) in rest.iter().enumerate() {
                let logits = self.evaluate(&tokens[index..=index], end + index, true)?;
                usage.evaluated += 1;
                sum += value(&log_softmax(&logits), token);
            }
            self.forget_after(end)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a choice has few tokens")]
        let count = tokens.len() as f64;
        Ok(sum / count)
    }
}

fn identify(model: &Model, context: u32, ubatch: u32, mode: Mode) -> Identity {
    let header = &model.header;
    let name = header.name.clone().unwrap_or_else(|| {
        let stem = model.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    });
    Identity {
        name,
        architecture: header.architecture.clone(),
        weights: header
            .file_type
            .clone()
            .unwrap_or_else(|| header.weights.clone()),
        parameters: header.parameters,
        size: header.size,
        digest: model.digest,
        engine: ENGINE.to_owned(),
        context,
        ubatch,
        mode,
        calls: CALLS,
        flash_attention: true,
        cache: "F16".to_owned(),
        processor: system::processor().to_owned(),
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
        let counts = prompt.blocks.iter().map(|block| self.tokens(&block.parts));
        counts.map(|tokens| Ok(tokens?.len())).sum()
    }

    fn score(&mut self, prompts: &[Prompt], choices: &[&str]) -> Result<Vec<Scores>, LlmError> {
        let questions = prompts
            .iter()
            .map(|prompt| self.question(prompt))
            .collect::<Result<Vec<_>, _>>()?;
        if self.identity.mode == Mode::Throughput && prompts.len() > 1 {
            return self.score_together(&questions, choices);
        }
        questions
            .iter()
            .map(|question| self.score_one(question, choices))
            .collect()
    }

    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        max_tokens: usize,
    ) -> Result<Completion, LlmError> {
        let mut grammar = Grammar::new(&self.model.model, grammar)?;
        let mut next = self.tokens(&[Part::Text(chosen.to_owned())])?;
        let room = ANSWER.checked_sub(next.len()).ok_or(LlmError::TooLong {
            tokens: next.len(),
            capacity: ANSWER,
        })?;
        let question = self.question(prompt)?;
        let mut usage = self.prefill(&question)?;
        let end = length(&self.held);
        let mut at = end;
        let mut logits = self.logits.clone();
        let vocabulary = self.model.model.vocab();
        let mut bytes = Vec::new();
        for _ in 0..max_tokens.min(room) {
            if !next.is_empty() {
                logits = self.evaluate(&next, at, true)?;
                at += next.len();
                usage.evaluated += next.len();
            }
            let token = grammar.likeliest(&logits)?;
            if vocabulary.is_eog(token) {
                break;
            }
            grammar.accept(token);
            bytes.extend(vocabulary.token_to_piece(token, false, None));
            next = vec![token];
        }
        self.forget_after(end)?;
        Ok(Completion {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            usage,
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_a_vocabulary_sum_to_one() {
        let sum: f64 = log_softmax(&[1.0, -3.5, 20.0, 0.0])
            .iter()
            .map(|value| value.exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_engine_says_the_version_that_is_pinned() {
        let pinned = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let pinned = std::fs::read_to_string(pinned).unwrap();
        let version = ENGINE.rsplit(' ').next().unwrap().trim_end_matches(')');
        assert!(pinned.contains(&format!("llama-cpp-2 = {{ version = \"={version}\"")));
    }

    #[test]
    fn an_engine_can_move_to_a_thread_and_a_model_can_be_shared() {
        fn sent<T: Send>() {}
        fn shared<T: Send + Sync>() {}
        sent::<LlamaCpp<'_>>();
        shared::<Model>();
    }
}
