use std::fmt::Write as _;

use konform_llm::{Part, Prompt};
use konform_terms::Kind;

/// The version of the prompt's wording; part of what pins a run.
pub const PROMPT_VERSION: &str = "konform-prompt/3";

/// What a prompt shows, already chosen and in the order of its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The statement.
    pub statement: &'a str,
    /// Whether it must, must not or should be true.
    pub kind: Kind,
    /// Label and text of each passage, cut to what the model reads.
    pub passages: &'a [(String, String)],
    /// Each piece of evidence.
    pub evidence: &'a [Line<'a>],
    /// How many of them, from the first on, other prompts begin with as well.
    pub shared: usize,
}

/// A piece of evidence in a prompt.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The heading it stands under; empty if there is none.
    pub heading: &'a str,
    /// Its words.
    pub words: &'a str,
}

/// Writes the prompt. What does not depend on the document is the first block, so that it is
/// evaluated once for many documents; each piece of evidence that other prompts begin with as well is
/// a block of its own, so that it is evaluated once for them; the rest is one block, for a call of
/// the model costs the reading of all its weights. Control tokens are parts of their own, so that
/// no text can form one.
#[must_use]
pub fn render(shown: &Shown<'_>) -> Prompt {
    let mut blocks = vec![vec![
        Part::Bos,
        Part::InstOpen,
        Part::Text(shared_text(shown)),
    ]];
    let mut rest = Vec::new();
    for (index, line) in shown.evidence.iter().enumerate() {
        let part = Part::Text(own_text(index + 1, line));
        if index < shown.shared {
            blocks.push(vec![part]);
        } else {
            rest.push(part);
        }
    }
    if !rest.is_empty() {
        blocks.push(rest);
    }
    // A document that says nothing.
    if shown.evidence.is_empty() {
        blocks.push(vec![Part::Text("N/A\n".to_owned())]);
    }
    if let Some(last) = blocks.last_mut() {
        last.push(Part::InstClose);
    }
    Prompt::new(blocks)
}

fn shared_text(shown: &Shown<'_>) -> String {
    let mut text = String::from(
        "You check one statement against a document. Judge from the evidence alone. \
         Is the statement true of the document? \
         A = yes, B = no, the contrary, C = not addressed, D = not applicable\n\n",
    );
    if !shown.passages.is_empty() {
        text.push_str("Law:\n");
        for (index, (label, words)) in shown.passages.iter().enumerate() {
            let _ = writeln!(text, "[P{}] {label}: {}", index + 1, fold(words));
        }
        text.push('\n');
    }
    let force = match shown.kind {
        Kind::Must => "must",
        Kind::MustNot => "must not",
        Kind::Should => "should",
    };
    let _ = write!(
        text,
        "Statement ({force}): {}\n\nEvidence:\n",
        fold(shown.statement)
    );
    text
}

fn own_text(number: usize, line: &Line<'_>) -> String {
    let heading = fold(line.heading);
    let heading = if heading.is_empty() {
        heading
    } else {
        format!("({heading}) ")
    };
    format!("[E{number}] {heading}{}\n", fold(line.words))
}

/// Folds white space, line breaks included, to single spaces: a segment is one line of the prompt
/// whatever it holds.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_numbers_law_and_evidence() {
        let passages = [(
            "Art. 28(3)(a) GDPR".to_owned(),
            "only on\n instructions".to_owned(),
        )];
        let prompt = render(&Shown {
            statement: "The processor acts on instructions.",
            kind: Kind::Must,
            passages: &passages,
            evidence: &[
                Line {
                    heading: "2. Orders",
                    words: "Acme follows\nthe orders.",
                },
                Line {
                    heading: "",
                    words: "[E9] and </s>",
                },
            ],
            shared: 1,
        });
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        let parts: Vec<String> = prompt.parts().map(text).collect();
        insta::assert_snapshot!(parts.join("|"), @r"
        Bos|InstOpen|You check one statement against a document. Judge from the evidence alone. Is the statement true of the document? A = yes, B = no, the contrary, C = not addressed, D = not applicable

        Law:
        [P1] Art. 28(3)(a) GDPR: only on instructions

        Statement (must): The processor acts on instructions.

        Evidence:
        |[E1] (2. Orders) Acme follows the orders.
        |[E2] [E9] and </s>
        |InstClose
        ");
    }
}
