use konform_terms::Digest;

use crate::engine::{Completion, Engine, Identity, LlmError, Mode, Part, Prompt, Scores, Usage};

/// An engine that answers by a function of the prompt's text. It is no model: it is for tests of
/// what stands around one.
pub struct Scripted<F> {
    answer: F,
    identity: Identity,
}

impl<F: FnMut(&str) -> (Vec<f64>, String)> Scripted<F> {
    /// Makes an engine of a function from a prompt's text to the probabilities of the choices and
    /// the text that follows the chosen one.
    pub fn new(answer: F) -> Self {
        let identity = Identity {
            name: "scripted (no model)".to_owned(),
            architecture: "none".to_owned(),
            weights: "none".to_owned(),
            parameters: 0,
            digest: Digest::of("scripted"),
            engine: "scripted".to_owned(),
            size: 0,
            context: 4096,
            ubatch: 1,
            mode: Mode::Replayable,
            calls: 0,
            flash_attention: false,
            cache: "none".to_owned(),
            processor: "any".to_owned(),
        };
        Self { answer, identity }
    }
}

fn text(prompt: &Prompt) -> String {
    prompt
        .parts()
        .filter_map(|part| {
            if let Part::Text(text) = part {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect()
}

impl<F: FnMut(&str) -> (Vec<f64>, String)> Engine for Scripted<F> {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capacity(&self) -> usize {
        4096
    }

    fn count(&self, prompt: &Prompt) -> Result<usize, LlmError> {
        Ok(text(prompt).split_whitespace().count())
    }

    fn score(&mut self, prompts: &[Prompt], _: &[&str]) -> Result<Vec<Scores>, LlmError> {
        let said = prompts.iter().map(|prompt| (self.answer)(&text(prompt)).0);
        Ok(said
            .map(|probabilities| Scores {
                log_probabilities: probabilities.into_iter().map(f64::ln).collect(),
                usage: Usage::default(),
            })
            .collect())
    }

    fn complete(
        &mut self,
        prompt: &Prompt,
        _: &str,
        _: &str,
        _: usize,
    ) -> Result<Completion, LlmError> {
        Ok(Completion {
            text: (self.answer)(&text(prompt)).1,
            usage: Usage::default(),
        })
    }
}
