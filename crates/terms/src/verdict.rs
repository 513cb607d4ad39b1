use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a finding says of a document and a requirement.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The document does what the requirement asks.
    Satisfied,
    /// The document does what the requirement forbids, or the contrary of what it asks.
    Violated,
    /// The document does not address the requirement.
    Missing,
    /// The requirement does not concern this document.
    NotApplicable,
    /// A person has to decide.
    Undetermined,
    /// The document could not be read, so nothing was judged.
    NotAssessed,
}

impl Verdict {
    /// All verdicts, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Violated,
        Self::Missing,
        Self::Undetermined,
        Self::NotAssessed,
        Self::Satisfied,
        Self::NotApplicable,
    ];

    /// The word of the vocabulary: `satisfied`, `not-applicable`, ….
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::Violated => "violated",
            Self::Missing => "missing",
            Self::NotApplicable => "not-applicable",
            Self::Undetermined => "undetermined",
            Self::NotAssessed => "not-assessed",
        }
    }

    /// Finds a verdict by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_what_json_says() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
            assert_eq!(Verdict::from_word(verdict.word()), Some(verdict));
        }
    }
}
