//! Checks a grammar before llama.cpp sees it, and samples under it.
//!
//! llama.cpp reports some defects of a grammar on stderr, recurses as deep as the grammar is
//! nested, and ends the process where a token is accepted that the grammar forbids. So what is
//! handed on is a subset of GBNF: rules of literals, character classes, references, groups,
//! alternatives and repetitions, one rule a line.

use std::collections::{BTreeMap, BTreeSet};

use llama_cpp_2::{
    model::LlamaModel,
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};

use crate::engine::LlmError;

const LONGEST: usize = 64 << 10;
const DEEPEST: usize = 32;
/// llama.cpp's work grows with the square of it.
const MOST_REPETITIONS: u32 = 100;

/// A grammar that is being followed.
pub(super) struct Grammar {
    sampler: LlamaSampler,
}

impl Grammar {
    pub(super) fn new(model: &LlamaModel, text: &str) -> Result<Self, LlmError> {
        check(text).map_err(|reason| LlmError::Grammar { reason })?;
        LlamaSampler::grammar(model, text, "root")
            .map(|sampler| Self { sampler })
            .map_err(|error| LlmError::Grammar {
                reason: error.to_string(),
            })
    }

    /// The likeliest token that the grammar allows; the smallest of equals.
    pub(super) fn likeliest(&mut self, logits: &[f32]) -> Result<LlamaToken, LlmError> {
        let candidates = || {
            logits
                .iter()
                .zip(0..)
                .filter(|(logit, _)| logit.is_finite())
                .map(|(&logit, id)| LlamaTokenData::new(LlamaToken(id), logit, 0.0))
        };
        // The likeliest of all is allowed as a rule, and then no other has to be asked about.
        let first = best(candidates());
        first
            .and_then(|token| best(self.allowed(vec![token])))
            .or_else(|| best(self.allowed(candidates().collect())))
            .map(|token| token.id())
            .ok_or_else(|| LlmError::Grammar {
                reason: "it allows no token of this vocabulary".to_owned(),
            })
    }

    /// Goes on behind a token that [`Grammar::likeliest`] gave, and no other: the grammar ends the
    /// process on what it forbids.
    pub(super) fn accept(&mut self, token: LlamaToken) {
        self.sampler.accept(token);
    }

    fn allowed(&mut self, candidates: Vec<LlamaTokenData>) -> Vec<LlamaTokenData> {
        let mut candidates = LlamaTokenDataArray::new(candidates, false);
        self.sampler.apply(&mut candidates);
        candidates
            .data
            .retain(|candidate| candidate.logit().is_finite());
        candidates.data
    }
}

fn best(candidates: impl IntoIterator<Item = LlamaTokenData>) -> Option<LlamaTokenData> {
    candidates.into_iter().reduce(|best, candidate| {
        let (one, two) = (best.logit(), candidate.logit());
        if two > one || (two == one && candidate.id().0 < best.id().0) {
            candidate
        } else {
            best
        }
    })
}

/// Says what is wrong with a grammar, and where.
fn check(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!(
            "it has {} bytes, {LONGEST} are the most",
            text.len()
        ));
    }
    let mut rules: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |what: String| format!("line {}: {what}", index + 1);
        let (name, body) = line
            .split_once("::=")
            .ok_or_else(|| at("a rule `name ::= …` is expected".to_owned()))?;
        let name = name.trim_end();
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(at(format!("`{name}` is no name of a rule")));
        }
        let mut parser = Parser {
            text: body,
            at: 0,
            references: BTreeSet::new(),
        };
        parser.alternatives(0).map_err(at)?;
        if parser.at < body.len() {
            return Err(at(format!("`{}` is too much", &body[parser.at..])));
        }
        if rules.insert(name, parser.references).is_some() {
            return Err(at(format!("rule `{name}` is there twice")));
        }
    }
    if !rules.contains_key("root") {
        return Err("there is no rule `root`".to_owned());
    }
    for (name, references) in &rules {
        if let Some(missing) = references.iter().find(|other| !rules.contains_key(*other)) {
            return Err(format!(
                "rule `{name}` needs `{missing}`, which is not there"
            ));
        }
    }
    check_cycles(&rules)
}

/// A rule that leads back to itself could go on for ever without a token; no grammar here needs it.
fn check_cycles(rules: &BTreeMap<&str, BTreeSet<&str>>) -> Result<(), String> {
    let mut open: BTreeMap<&str, &BTreeSet<&str>> = rules
        .iter()
        .map(|(name, references)| (*name, references))
        .collect();
    loop {
        let before = open.len();
        let closed: Vec<&str> = open
            .iter()
            .filter(|(_, references)| !references.iter().any(|other| open.contains_key(other)))
            .map(|(name, _)| *name)
            .collect();
        for name in closed {
            open.remove(name);
        }
        if let Some(name) = open.keys().next()
            && open.len() == before
        {
            return Err(format!("rule `{name}` leads back to itself"));
        }
        if open.is_empty() {
            return Ok(());
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    references: BTreeSet<&'t str>,
}

impl<'t> Parser<'t> {
    fn alternatives(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        loop {
            self.sequence(depth)?;
            if self.peek() != Some(b'|') {
                return Ok(());
            }
            self.at += 1;
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<(), String> {
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => self.quoted(b'"')?,
                Some(b'[') => self.quoted(b']')?,
                Some(b'(') => {
                    self.at += 1;
                    self.alternatives(depth + 1)?;
                    if self.peek() != Some(b')') {
                        return Err("a group is not closed".to_owned());
                    }
                    self.at += 1;
                }
                Some(byte) if is_name(byte) => {
                    let length = self.text.as_bytes()[self.at..]
                        .iter()
                        .take_while(|&&byte| is_name(byte))
                        .count();
                    self.references
                        .insert(&self.text[self.at..self.at + length]);
                    self.at += length;
                }
                _ => return Ok(()),
            }
            self.repetition()?;
        }
    }

    /// A literal or a class, up to its closing byte.
    fn quoted(&mut self, close: u8) -> Result<(), String> {
        let begin = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == close {
                if close == b']' && self.at - begin < 3 {
                    return Err("a class is empty".to_owned());
                }
                return Ok(());
            }
            if byte == 0 {
                return Err("a null byte cannot be written".to_owned());
            }
            if byte == b'\\' {
                let known = self
                    .peek()
                    .is_some_and(|byte| br#"nrt"\[]"#.contains(&byte));
                if !known {
                    return Err(r#"after `\` one of `n r t " \ [ ]` is expected"#.to_owned());
                }
                self.at += 1;
            }
        }
        Err("a literal or class is not closed".to_owned())
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}` or `{n,m}`, once at most.
    fn repetition(&mut self) -> Result<(), String> {
        self.space();
        match self.peek() {
            Some(b'*' | b'+' | b'?') => self.at += 1,
            Some(b'{') => {
                let rest = &self.text[self.at + 1..];
                let inner = rest.split_once('}').ok_or("a repetition is not closed")?.0;
                let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
                let number = |text: &str| {
                    text.parse()
                        .ok()
                        .filter(|number: &u32| (1..=MOST_REPETITIONS).contains(number))
                };
                let least_is = number(least).or((least == "0").then_some(0));
                let most_is = number(most).or((most.is_empty()).then_some(MOST_REPETITIONS));
                if !matches!((least_is, most_is), (Some(least), Some(most)) if least <= most) {
                    return Err(format!(
                        "`{{{inner}}}` is no repetition up to {MOST_REPETITIONS}"
                    ));
                }
                self.at += inner.len() + 2;
            }
            _ => return Ok(()),
        }
        self.space();
        if matches!(self.peek(), Some(b'*' | b'+' | b'?' | b'{')) {
            return Err("a repetition is repeated".to_owned());
        }
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_subset_passes() {
        for text in [
            "root ::= \" E\" [1-4]",
            "root ::= n1\nn1 ::= \" E1\" s2 | n2\nn2 ::= (\" E2\")? s2\ns2 ::= \"\"\n",
            "# ids\nroot ::= (\" E\" [1-9] [0-9]*){1,4} (\" P\" [^\\]a])+",
            "root ::= \"\\\"\\\\\\n\" | [a-z]{0,3} | \"é\"",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_not_in_the_subset_says_where() {
        let deep = format!("root ::= {}\"a\"{}", "(".repeat(100), ")".repeat(100));
        let cases: Vec<String> = [
            "",
            "rule ::= \"a\"",
            "root ::= \"unclosed",
            "root ::= \"a\" )",
            "root = \"a\"",
            "root ::= other",
            "root ::= root \"a\"",
            "root ::= a\na ::= \"x\" b?\nb ::= a*",
            "root ::= \"a\"{1,100000}",
            "root ::= (\"a\"*)*?",
            "root ::= \"\\q\"",
            "root ::= \"a\"\nroot ::= \"b\"",
            "root ::= []",
            deep.as_str(),
        ]
        .map(|text| check(text).unwrap_err())
        .to_vec();
        insta::assert_snapshot!(cases.join("\n"), @r#"
        there is no rule `root`
        there is no rule `root`
        line 1: a literal or class is not closed
        line 1: `)` is too much
        line 1: a rule `name ::= …` is expected
        rule `root` needs `other`, which is not there
        rule `root` leads back to itself
        rule `a` leads back to itself
        line 1: `{1,100000}` is no repetition up to 100
        line 1: a repetition is repeated
        line 1: after `\` one of `n r t " \ [ ]` is expected
        line 2: rule `root` is there twice
        line 1: a class is empty
        line 1: it is nested more than 32 deep
        "#);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_checked_without_a_panic(text in "[a-z\"\\[\\]\\(\\)\\|\\*\\{\\}0-9, \\\\é:=\n]{0,60}") {
            let _ = check(&text);
            let _ = check(&format!("root ::= {text}"));
        }
    }
}
