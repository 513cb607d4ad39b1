//! Several prompts in one batch: what they share once, the rest of each in a sequence of its own.

use llama_cpp_2::{llama_batch::LlamaBatch, token::LlamaToken};

use super::{
    LlamaCpp, TOGETHER,
    calls::{Call, Question, length},
    engine_error, log_softmax, value,
};
use crate::engine::{LlmError, Part, Scores, Usage};

impl LlamaCpp<'_> {
    /// Scores prompts as they come, as many at a time as batch and context hold.
    pub(super) fn score_together(
        &mut self,
        prompts: &[Question],
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
                        .map(|question| self.score_one(question, choices))
                        .collect();
                }
            }
        }
        let mut scores = Vec::with_capacity(prompts.len());
        let mut rest = prompts;
        while let Some(first) = rest.first() {
            let group = self.group(rest);
            if group.count == 1 {
                scores.push(self.score_one(first, choices)?);
            } else {
                scores.extend(self.score_group(&rest[..group.count], group.shared, &single)?);
            }
            rest = &rest[group.count..];
        }
        Ok(scores)
    }

    /// How many of the prompts, from the first on, fit into one batch, and how many blocks they
    /// share then.
    fn group(&self, prompts: &[Question]) -> Group {
        let mut best = Group {
            count: 1,
            shared: 0,
        };
        let mut shared = usize::MAX;
        for count in 2..=prompts.len().min(usize::from(TOGETHER)) {
            let (before, last) = (&prompts[0].calls, &prompts[count - 1].calls);
            let common = before.iter().zip(last).take_while(|(a, b)| a == b).count();
            // Each keeps a block of its own, behind which it is scored.
            let common = common.min(before.len() - 1).min(last.len() - 1);
            shared = shared.min(common);
            let prefix = length(&before[..shared]);
            let own = prompts[..count]
                .iter()
                .map(|question| length(&question.calls) - prefix);
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
        prompts: &[Question],
        shared: usize,
        choices: &[LlamaToken],
    ) -> Result<Vec<Scores>, LlmError> {
        let Some(first) = prompts.first() else {
            return Ok(vec![]);
        };
        let laid = self.lay(&first.calls[..shared], first.shared)?;
        let scores = self.score_behind(prompts, &first.calls[..shared], choices, laid);
        // Whatever came of it, nothing of these prompts stays in the cache.
        for sequence in (1..).take(prompts.len()) {
            self.context
                .clear_kv_cache_seq(Some(sequence), None, None)
                .map_err(|error| engine_error("take back tokens", error))?;
        }
        scores
    }

    /// Evaluates what stands behind the prefix in the cache, which cost `laid`.
    fn score_behind(
        &mut self,
        prompts: &[Question],
        shared: &[Call],
        choices: &[LlamaToken],
        laid: Usage,
    ) -> Result<Vec<Scores>, LlmError> {
        let prefix = length(shared);
        let mut batch = LlamaBatch::new(self.ubatch, 1);
        let mut rows = Vec::with_capacity(prompts.len());
        for (sequence, question) in (1..).zip(prompts) {
            self.context
                .copy_kv_cache_seq(0, sequence, None, None)
                .map_err(|error| engine_error("share a prefix", error))?;
            let own = &question.calls[shared.len()..];
            let own: Vec<LlamaToken> = own.iter().flat_map(Call::kept).copied().collect();
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
            let token = last.calls[last.calls.len() - 1].tokens[0];
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
            let laid = if number == 0 {
                laid
            } else {
                Usage {
                    evaluated: 0,
                    reused: prefix,
                }
            };
            scores.push(Scores {
                log_probabilities: choices.iter().map(|&token| value(&logits, token)).collect(),
                usage: Usage {
                    evaluated: own + laid.evaluated,
                    ..laid
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
