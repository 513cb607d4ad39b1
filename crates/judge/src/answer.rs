use std::collections::BTreeMap;

use konform_terms::{Kind, Verdict};

/// The letters that the model chooses among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Letter {
    /// The statement is true of the document.
    A,
    /// The document says the contrary.
    B,
    /// The document does not address it.
    C,
    /// The statement does not concern the document.
    D,
}

impl Letter {
    /// All letters, in their order in the prompt.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    /// The letter as text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }

    /// What the letter means for a requirement of a kind. Silence is a failure to do what must be
    /// done and no failure to leave undone what must not be done.
    #[must_use]
    pub fn verdict(self, kind: Kind) -> Verdict {
        match (self, kind) {
            (Self::A, Kind::Must | Kind::Should) | (Self::B | Self::C, Kind::MustNot) => {
                Verdict::Satisfied
            }
            (Self::B, Kind::Must | Kind::Should) | (Self::A, Kind::MustNot) => Verdict::Violated,
            (Self::C, Kind::Must | Kind::Should) => Verdict::Missing,
            (Self::D, _) => Verdict::NotApplicable,
        }
    }

    /// Whether an answer with this letter has to name evidence.
    #[must_use]
    pub fn needs_evidence(self) -> bool {
        matches!(self, Self::A | Self::B)
    }
}

/// Adds up the probabilities of the letters that mean the same verdict.
pub(crate) fn by_verdict(letters: &[f64], kind: Kind) -> BTreeMap<Verdict, f64> {
    let mut sums = BTreeMap::new();
    for (letter, probability) in Letter::ALL.into_iter().zip(letters) {
        *sums.entry(letter.verdict(kind)).or_insert(0.0) += probability;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_fails_an_obligation_and_keeps_a_prohibition() {
        assert_eq!(Letter::C.verdict(Kind::Must), Verdict::Missing);
        assert_eq!(Letter::C.verdict(Kind::Should), Verdict::Missing);
        assert_eq!(Letter::C.verdict(Kind::MustNot), Verdict::Satisfied);
        assert_eq!(Letter::A.verdict(Kind::MustNot), Verdict::Violated);
    }

    #[test]
    fn probabilities_of_letters_that_mean_the_same_are_added_up() {
        let sums = by_verdict(&[0.1, 0.2, 0.3, 0.4], Kind::MustNot);
        assert_eq!(sums[&Verdict::Satisfied], 0.5);
        assert_eq!(sums[&Verdict::Violated], 0.1);
        assert_eq!(sums[&Verdict::NotApplicable], 0.4);
    }
}
