//! Prompts in tokens, cut into the calls that evaluate them.

use llama_cpp_2::token::LlamaToken;

/// A block in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// All that is evaluated.
    pub(super) tokens: Vec<LlamaToken>,
    /// How much of it stays.
    pub(super) kept: usize,
}

impl Call {
    pub(super) fn kept(&self) -> &[LlamaToken] {
        &self.tokens[..self.kept]
    }

    /// How many tokens are evaluated for what stays, `ubatch` at a time.
    pub(super) fn needed(&self, ubatch: usize) -> usize {
        self.kept.next_multiple_of(ubatch).min(self.tokens.len())
    }
}

/// A prompt in tokens.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) calls: Vec<Call>,
    /// How many of them are shared with other documents.
    pub(super) shared: usize,
}

/// How many tokens stay of them.
pub(super) fn length(calls: &[Call]) -> usize {
    calls.iter().map(|call| call.kept).sum()
}

/// The tokens of the first `count` calls.
pub(super) fn joined(calls: &[Call], count: usize) -> Vec<LlamaToken> {
    calls[..count]
        .iter()
        .flat_map(|call| call.kept())
        .copied()
        .collect()
}
