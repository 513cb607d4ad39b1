use std::{collections::BTreeMap, fmt::Write as _};

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

/// Writes the grammar (GBNF) of what may follow a letter: numbers of evidence and passages in
/// rising order, none twice, and at least one piece of evidence where the letter needs some.
///
/// `s3` stands for "some evidence was chosen, go on at 3", `n3` for "none was chosen yet".
#[must_use]
pub fn grammar(letter: Letter, evidence: usize, passages: usize) -> String {
    let mut rules = String::new();
    let root = if letter.needs_evidence() && evidence > 0 {
        "n1"
    } else {
        "p1"
    };
    let _ = writeln!(rules, "root ::= {root}");
    for number in (1..=evidence).filter(|_| root == "n1") {
        let next = number + 1;
        let skip = if number < evidence {
            format!(" | n{next}")
        } else {
            String::new()
        };
        let _ = writeln!(rules, "n{number} ::= \" E{number}\" s{next}{skip}");
        if number > 1 {
            let _ = writeln!(rules, "s{number} ::= (\" E{number}\")? s{next}");
        }
    }
    if root == "n1" {
        let _ = writeln!(rules, "s{} ::= p1", evidence + 1);
    }
    for number in 1..=passages {
        let _ = writeln!(rules, "p{number} ::= (\" P{number}\")? p{}", number + 1);
    }
    let _ = writeln!(rules, "p{} ::= \"\"", passages + 1);
    rules
}

/// Reads the numbers of evidence and passages out of what follows the letter.
#[must_use]
pub fn parse_ids(text: &str) -> (Vec<usize>, Vec<usize>) {
    let numbers = |kind: char| {
        text.split_whitespace()
            .filter_map(|id| id.strip_prefix(kind)?.parse().ok())
            .collect::<Vec<usize>>()
    };
    (numbers('E'), numbers('P'))
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

    #[test]
    fn an_affirmative_answer_needs_evidence() {
        insta::assert_snapshot!(grammar(Letter::A, 3, 2), @r#"
        root ::= n1
        n1 ::= " E1" s2 | n2
        n2 ::= " E2" s3 | n3
        s2 ::= (" E2")? s3
        n3 ::= " E3" s4
        s3 ::= (" E3")? s4
        s4 ::= p1
        p1 ::= (" P1")? p2
        p2 ::= (" P2")? p3
        p3 ::= ""
        "#);
    }

    #[test]
    fn silence_names_no_evidence() {
        insta::assert_snapshot!(grammar(Letter::C, 3, 1), @r#"
        root ::= p1
        p1 ::= (" P1")? p2
        p2 ::= ""
        "#);
    }

    #[test]
    fn ids_are_read_by_kind() {
        assert_eq!(parse_ids(" E1 E3 P2"), (vec![1, 3], vec![2]));
        assert_eq!(parse_ids(""), (vec![], vec![]));
    }
}
