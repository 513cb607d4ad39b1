//! Several prompts in one batch: what they share once, the rest of each in a sequence of its own.

use llama_cpp_2::{llama_batch::LlamaBatch, token::LlamaToken};

use super::{LlamaCpp, TOGETHER, engine_error, length, log_softmax, value};
use crate::engine::{LlmError, Part, Scores, Usage};

/// The tokens of a prompt's blocks.
type Blocks = Vec<Vec<LlamaToken>>;

impl LlamaCpp<'_> {
    /// Scores prompts as they come, as many at a time as batch and context hold.
    pub(super) fn score_together(
        &mut self,
        prompts: &[Blocks],
        choices: &[&str],
    ) -> Result<Vec<Scores>, LlmError> {
        let mut single = Vec::with_capacity(choices.len());
        for choice in choices {
            match self.tokens(&[Part::Text((*choice).to_owned())])?[..] {
                [token] => single.push(token),
                [] => return Err(LlmError::Empty),
                // What follows a first token has to be evaluated behind each prompt.
                _ => {
                    return prompts
                        .iter()
                        .map(|blocks| self.score_one(blocks.clone(), choices))
                        .collect();
                }
            }
        }
        let mut scores = Vec::with_capacity(prompts.len());
        let mut rest = prompts;
        while let Some(first) = rest.first() {
            let group = self.group(rest);
            if group.count == 1 {
                scores.push(self.score_one(first.clone(), choices)?);
            } else {
                let (now, shared) = (&rest[..group.count], &first[..group.shared]);
                scores.extend(self.score_group(now, shared, &single)?);
            }
            rest = &rest[group.count..];
        }
        Ok(scores)
    }

    /// How many of the prompts, from the first on, fit into one batch, and how many blocks they
    /// share then.
    fn group(&self, prompts: &[Blocks]) -> Group {
        let mut best = Group {
            count: 1,
            shared: 0,
        };
        let mut shared = usize::MAX;
        for count in 2..=prompts.len().min(usize::from(TOGETHER)) {
            let (before, last) = (&prompts[0], &prompts[count - 1]);
            let common = before.iter().zip(last).take_while(|(a, b)| a == b).count();
            // Each keeps a block of its own, behind which it is scored.
            let common = common.min(before.len() - 1).min(last.len() - 1);
            shared = shared.min(common);
            let prefix = length(&before[..shared]);
            let own = prompts[..count]
                .iter()
                .map(|blocks| length(blocks) - prefix);
            let own: usize = own.sum();
            if shared == 0 || own > self.ubatch || prefix + own > self.capacity {
                break;
            }
            best = Group { count, shared };
        }
        best
    }

    fn score_group(
        &mut self,
        prompts: &[Blocks],
        shared: &[Vec<LlamaToken>],
        choices: &[LlamaToken],
    ) -> Result<Vec<Scores>, LlmError> {
        let held = self.keep(shared)?;
        for block in shared.iter().skip(self.held.len()) {
            self.evaluate(block, length(&self.held), false)?;
            if self.held.is_empty() {
                self.prefixes.save(&self.context, block);
            }
            self.held.push(block.clone());
        }
        let scores = self.score_behind(prompts, shared, choices, held);
        // Whatever came of it, nothing of these prompts stays in the cache.
        for sequence in (1..).take(prompts.len()) {
            self.context
                .clear_kv_cache_seq(Some(sequence), None, None)
                .map_err(|error| engine_error("take back tokens", error))?;
        }
        scores
    }

    /// Evaluates what stands behind the prefix in the cache, of which `held` tokens were there.
    fn score_behind(
        &mut self,
        prompts: &[Blocks],
        shared: &[Vec<LlamaToken>],
        choices: &[LlamaToken],
        held: usize,
    ) -> Result<Vec<Scores>, LlmError> {
        let prefix = length(shared);
        let mut batch = LlamaBatch::new(self.ubatch, 1);
        let mut rows = Vec::with_capacity(prompts.len());
        for (sequence, blocks) in (1..).zip(prompts) {
            self.context
                .copy_kv_cache_seq(0, sequence, None, None)
                .map_err(|error| engine_error("share a prefix", error))?;
            let own: Vec<LlamaToken> = blocks[shared.len()..].concat();
            for (at, &token) in own.iter().enumerate() {
                let position = i32::try_from(prefix + at)
                    .map_err(|error| engine_error("count positions", error))?;
                batch
                    .add(token, position, &[sequence], at + 1 == own.len())
                    .map_err(|error| engine_error("fill a batch", error))?;
            }
            rows.push((batch.n_tokens() - 1, own.len()));
        }
        // Behind the last prompt the batch is filled up, as in `evaluate`.
        if let (Some(&(_, own)), Some(last)) = (rows.last(), prompts.last()) {
            let tokens = rows.iter().map(|row| row.1).sum();
            let filler = self.filler(tokens, prefix + tokens);
            let sequence = i32::try_from(prompts.len())
                .map_err(|error| engine_error("count sequences", error))?;
            let first = i32::try_from(prefix + own)
                .map_err(|error| engine_error("count positions", error))?;
            let token = last[last.len() - 1][0];
            for position in (first..).take(filler) {
                batch
                    .add(token, position, &[sequence], false)
                    .map_err(|error| engine_error("fill a batch", error))?;
            }
        }
        self.context
            .decode(&mut batch)
            .map_err(|error| engine_error("evaluate prompts", error))?;
        let mut scores = Vec::with_capacity(rows.len());
        for (number, (row, own)) in rows.into_iter().enumerate() {
            let logits = log_softmax(self.context.get_logits_ith(row));
            // The first prompt pays for what of the prefix was not there.
            let prefix_now = if number == 0 { prefix - held } else { 0 };
            scores.push(Scores {
                log_probabilities: choices.iter().map(|&token| value(&logits, token)).collect(),
                usage: Usage {
                    evaluated: own + prefix_now,
                    reused: prefix - prefix_now,
                },
            });
        }
        Ok(scores)
    }
}

struct Group {
    count: usize,
    shared: usize,
}
