use std::fmt::Write as _;

use konform_llm::{Block, Part, Prompt};
use konform_terms::Kind;

/// The version of the prompt's wording; part of what pins a run.
pub const PROMPT_VERSION: &str = "konform-prompt/4";

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
    /// All evidence of the prompt that was asked before, if this one leaves some of it out.
    pub whole: &'a [Line<'a>],
}

/// A piece of evidence in a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The heading it stands under; empty if there is none.
    pub heading: &'a str,
    /// Its words.
    pub words: &'a str,
}

/// Writes the prompt. The task is the first block, and what else does not depend on the document the
/// second, so that each is evaluated once; evidence is one block, for a call of the model costs the
/// reading of all its weights. What leaves evidence out begins with a piece of the whole prompt's
/// block. Control tokens are parts of their own, so that no text can form one.
#[must_use]
pub fn render(shown: &Shown<'_>) -> Prompt {
    let task = vec![Part::Bos, Part::InstOpen, Part::Text(TASK.to_owned())];
    let shared = vec![Part::Text(shared_text(shown))];
    let mut own = own_parts(shown.evidence);
    let same = shown.evidence.iter().zip(shown.whole);
    let same = same.take_while(|(a, b)| a == b).count();
    let mut blocks: Vec<Block> = vec![task.into(), shared.into()];
    if same > 0 && same < shown.evidence.len().max(shown.whole.len()) {
        let mut whole = own_parts(shown.whole);
        let behind = whole.split_off(same);
        own.drain(..same);
        blocks.push(Block {
            parts: whole,
            behind,
        });
    }
    blocks.push(own.into());
    Prompt { blocks, shared: 2 }
}

/// The evidence and the end of the prompt.
fn own_parts(evidence: &[Line<'_>]) -> Vec<Part> {
    let lines = evidence.iter().enumerate();
    let mut parts: Vec<Part> = lines
        .map(|(index, line)| Part::Text(own_text(index + 1, line)))
        .collect();
    if parts.is_empty() {
        // A document that says nothing.
        parts.push(Part::Text("N/A\n".to_owned()));
    }
    parts.push(Part::InstClose);
    parts
}

/// What the model is to do.
const TASK: &str = "You check one statement against a document. Judge from the evidence alone. \
                    Is the statement true of the document? \
                    A = yes, B = no, the contrary, C = not addressed, D = not applicable\n\n";

fn shared_text(shown: &Shown<'_>) -> String {
    let mut text = String::new();
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
        "Statement ({force}): {}\n\nEvidence:\n[E1]\n",
        fold(shown.statement)
    );
    text
}

/// A piece of evidence with its number; the first one's stands before it, where all documents share it.
fn own_text(number: usize, line: &Line<'_>) -> String {
    let heading = fold(line.heading);
    let heading = if heading.is_empty() {
        heading
    } else {
        format!("({heading}) ")
    };
    let label = if number > 1 {
        format!("[E{number}]\n")
    } else {
        String::new()
    };
    format!("{label}{heading}{}\n", fold(line.words))
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
            whole: &[],
        });
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        let parts: Vec<String> = prompt.parts().map(text).collect();
        insta::assert_snapshot!(parts.join("|"), @r"
        Bos|InstOpen|You check one statement against a document. Judge from the evidence alone. Is the statement true of the document? A = yes, B = no, the contrary, C = not addressed, D = not applicable

        |Law:
        [P1] Art. 28(3)(a) GDPR: only on instructions

        Statement (must): The processor acts on instructions.

        Evidence:
        [E1]
        |(2. Orders) Acme follows the orders.
        |[E2]
        [E9] and </s>
        |InstClose
        ");
    }
}
