use std::collections::BTreeMap;

use konform_terms::Digest;
use serde::{Deserialize, Serialize};

use crate::engine::{Completion, Engine, Identity, LlmError, Prompt, Scores, Usage};

/// Answers of an engine, by the digest of what it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// What answered.
    identity: Identity,
    /// The longest prompt it took, in tokens.
    capacity: usize,
    /// Log probabilities, by prompt and choices.
    scores: BTreeMap<Digest, Vec<f64>>,
    /// Texts, by prompt, chosen answer, grammar and length.
    completions: BTreeMap<Digest, String>,
}

/// Passes every question on to an engine, and keeps the answers.
pub struct Recorder<E> {
    engine: E,
    recording: Recording,
}

impl<E: Engine> Recorder<E> {
    /// Listens to an engine.
    pub fn new(engine: E) -> Self {
        let recording = Recording {
            identity: engine.identity().clone(),
            capacity: engine.capacity(),
            scores: BTreeMap::new(),
            completions: BTreeMap::new(),
        };
        Self { engine, recording }
    }

    /// Ends the recording.
    pub fn finish(self) -> Recording {
        self.recording
    }
}

impl<E: Engine> Engine for Recorder<E> {
    fn identity(&self) -> &Identity {
        self.engine.identity()
    }

    fn capacity(&self) -> usize {
        self.engine.capacity()
    }

    fn count(&self, prompt: &Prompt) -> Result<usize, LlmError> {
        self.engine.count(prompt)
    }

    fn score(&mut self, prompts: &[Prompt], choices: &[&str]) -> Result<Vec<Scores>, LlmError> {
        let scores = self.engine.score(prompts, choices)?;
        for (prompt, scores) in prompts.iter().zip(&scores) {
            self.recording.scores.insert(
                Digest::of_json(&(prompt, choices)),
                scores.log_probabilities.clone(),
            );
        }
        Ok(scores)
    }

    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        max_tokens: usize,
    ) -> Result<Completion, LlmError> {
        let completion = self.engine.complete(prompt, chosen, grammar, max_tokens)?;
        self.recording.completions.insert(
            Digest::of_json(&(prompt, chosen, grammar, max_tokens)),
            completion.text.clone(),
        );
        Ok(completion)
    }
}

/// An engine that repeats recorded answers. It is no model: its identity is that of the recorded
/// one with `recorded` before the engine's name.
pub struct Recorded {
    identity: Identity,
    recording: Recording,
}

impl Recorded {
    /// Makes an engine of a recording.
    #[must_use]
    pub fn new(recording: Recording) -> Self {
        let mut identity = recording.identity.clone();
        identity.engine = format!("recorded answers of {}", identity.engine);
        Self {
            identity,
            recording,
        }
    }
}

impl Engine for Recorded {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capacity(&self) -> usize {
        self.recording.capacity
    }

    /// A recording has no vocabulary: what was asked once fitted, so every prompt counts as fitting.
    fn count(&self, _: &Prompt) -> Result<usize, LlmError> {
        Ok(1)
    }

    fn score(&mut self, prompts: &[Prompt], choices: &[&str]) -> Result<Vec<Scores>, LlmError> {
        let recorded = |prompt: &Prompt| {
            let key = Digest::of_json(&(prompt, choices));
            let found = self.recording.scores.get(&key);
            let log_probabilities = found.cloned().ok_or(LlmError::NotRecorded {
                task: "score",
                prompt: key,
            })?;
            Ok(Scores {
                log_probabilities,
                usage: Usage::default(),
            })
        };
        prompts.iter().map(recorded).collect()
    }

    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        max_tokens: usize,
    ) -> Result<Completion, LlmError> {
        let key = Digest::of_json(&(prompt, chosen, grammar, max_tokens));
        let found = self.recording.completions.get(&key);
        let text = found.cloned().ok_or(LlmError::NotRecorded {
            task: "complete",
            prompt: key,
        })?;
        Ok(Completion {
            text,
            usage: Usage::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Part, Scripted};

    #[test]
    fn a_recording_repeats_what_was_said_and_nothing_else() {
        let prompt = |text: &str| Prompt::new([vec![Part::Bos], vec![Part::Text(text.to_owned())]]);
        let mut recorder =
            Recorder::new(Scripted::new(|_| (vec![0.1, 0.7, 0.2], " E1".to_owned())));
        let heard = recorder.score(&[prompt("a")], &["A", "B", "C"]).unwrap();
        recorder
            .complete(&prompt("a"), "B", "root ::= \" E1\"", 5)
            .unwrap();
        let json = serde_json::to_string(&recorder.finish()).unwrap();

        let mut recorded = Recorded::new(serde_json::from_str(&json).unwrap());
        let said = recorded.score(&[prompt("a")], &["A", "B", "C"]).unwrap();
        assert_eq!(said, heard);
        let text = recorded
            .complete(&prompt("a"), "B", "root ::= \" E1\"", 5)
            .unwrap()
            .text;
        assert_eq!(text, " E1");
        assert_eq!(recorded.identity().engine, "recorded answers of scripted");
        for error in [
            recorded
                .score(&[prompt("b")], &["A", "B", "C"])
                .unwrap_err(),
            recorded
                .complete(&prompt("a"), "A", "root ::= \" E1\"", 5)
                .unwrap_err(),
        ] {
            assert!(matches!(error, LlmError::NotRecorded { .. }), "{error}");
        }
    }
}
