//! The model's own words on a verdict, where a user asks for them. They decide nothing.

use std::fmt::Write as _;

/// How many tokens a commentary may take; fewer where an engine keeps less room for answers.
pub(crate) const TOKENS: usize = 220;

/// What stands before the commentary, behind the letter: it tells the model what to write.
pub(crate) const OPENING: &str =
    "\nReasons, each followed by the numbers of the evidence or law it rests on:";

/// The grammar (GBNF) of one or two sentences, each of which ends in numbers of evidence or
/// passages, and in nothing else. There is at least one of either.
pub(crate) fn grammar(evidence: usize, passages: usize) -> String {
    let numbered = |kind: char, count| (1..=count).map(move |number| format!("\"{kind}{number}\""));
    let ids: Vec<String> = numbered('E', evidence)
        .chain(numbered('P', passages))
        .collect();
    let mut rules = String::from("root ::= s s?\n");
    // No full stop, so that a sentence cannot end before its numbers.
    rules.push_str(r#"s ::= " " [A-ZÀ-ÖØ-Þ] w{20,100} w{0,80} " [" id (", " id)? "].""#);
    rules.push_str("\nw ::= [^.!?\\[\\]\\n\\r]\n");
    let _ = writeln!(rules, "id ::= {}", ids.join(" | "));
    rules
}

/// Cuts a commentary behind its last whole sentence, and gives its numbers of evidence the ids that
/// they have in the finding: `ids[0]` for E1. `None` where there is no whole sentence.
pub(crate) fn finish(text: &str, ids: &[String]) -> Option<String> {
    let end = text.rfind("].")? + 2;
    let mut rest = text[..end].trim_start();
    let mut whole = String::new();
    while let Some((before, after)) = rest.split_once('[') {
        let (numbers, after) = after.split_once(']')?;
        let named = |number: &str| -> Option<String> {
            match number.strip_prefix('E') {
                Some(digits) => ids
                    .get(digits.parse::<usize>().ok()?.checked_sub(1)?)
                    .cloned(),
                None => Some(number.to_owned()),
            }
        };
        let numbers: Option<Vec<String>> = numbers.split(", ").map(named).collect();
        let _ = write!(whole, "{before}[{}]", numbers?.join(", "));
        rest = after;
    }
    whole.push_str(rest);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_to_end_in_numbers() {
        insta::assert_snapshot!(grammar(2, 1), @r#"
        root ::= s s?
        s ::= " " [A-ZÀ-ÖØ-Þ] w{20,100} w{0,80} " [" id (", " id)? "]."
        w ::= [^.!?\[\]\n\r]
        id ::= "E1" | "E2" | "P1"
        "#);
    }

    #[test]
    fn numbers_become_the_ids_of_the_finding_and_half_a_sentence_goes() {
        let ids = ["E3".to_owned(), "E7".to_owned()];
        let said = " Breaches are told at once [E1, P1]. Fees too [E2]. And the res";
        assert_eq!(
            finish(said, &ids).as_deref(),
            Some("Breaches are told at once [E3, P1]. Fees too [E7].")
        );
        assert_eq!(finish(" Nothing whole [E1", &ids), None);
        assert_eq!(finish(" No such number [E3].", &ids), None);
    }
}
