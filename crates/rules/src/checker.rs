use std::collections::BTreeMap;

use konform_terms::{
    Applies, Check, Document, Language, Localized, Otherwise, Pack, Requirement, Scope,
    SegmentKind, Span, Test, Verdict,
};
use regex::Regex;

use crate::{
    identifiers::{self, Validity},
    phrases, values,
};

/// More hits than this of one check are not collected.
const MOST_HITS: usize = 50;

/// What came of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What was looked for was found.
    Holds,
    /// Something was found that is out of bounds or has a wrong check digit.
    Fails,
    /// Nothing was found.
    Absent,
}

/// The outcome of a check on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The verdict, if the check decides.
    pub verdict: Option<Verdict>,
    /// What came of the test.
    pub state: State,
    /// Where something was found.
    pub hits: Vec<Span>,
    /// What was found, for people, in the language of the document.
    pub explanation: String,
}

/// The outcome of a scope on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeOutcome {
    /// Whether the requirement applies to the document.
    pub applies: Applies,
    /// Where the first hit of each phrase stands.
    pub found: Vec<Span>,
    /// What the decision rests on, for people, in the language of the document.
    pub explanation: String,
}

/// The compiled scope and checks of a requirement.
pub struct Checker {
    scopes: Vec<CompiledScope>,
    checks: Vec<CompiledCheck>,
}

struct CompiledScope {
    otherwise: Otherwise,
    at_least: usize,
    phrases: Localized<Vec<Regex>>,
}

struct CompiledCheck {
    check: Check,
    patterns: BTreeMap<Language, Vec<Regex>>,
    /// The pattern of an identifier, which is the same in every language.
    everywhere: Option<Regex>,
}

impl Checker {
    /// Compiles the checks of a requirement, and its scope together with that of its pack.
    ///
    /// # Errors
    /// If a pattern or phrase does not compile; those of a pack that was read do.
    pub fn new(pack: &Pack, requirement: &Requirement) -> Result<Self, String> {
        let scopes = [&pack.scope, &requirement.scope].into_iter().flatten();
        Ok(Self {
            scopes: scopes.map(compile_scope).collect::<Result<_, _>>()?,
            checks: requirement
                .checks
                .iter()
                .map(compile_check)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Says what is wrong with a check, if something is.
    pub(crate) fn try_check(check: &Check) -> Result<(), String> {
        compile_check(check).map(|_| ())
    }

    /// Decides whether a document is in scope.
    #[must_use]
    pub fn scope(&self, document: &Document, language: Language) -> ScopeOutcome {
        let mut outcome = ScopeOutcome {
            applies: Applies::Yes,
            found: vec![],
            explanation: String::new(),
        };
        for scope in &self.scopes {
            let Some(phrases) = scope.phrases.get(&language) else {
                continue;
            };
            let found: Vec<Span> = phrases
                .iter()
                .filter_map(|phrase| phrase.find(&document.text))
                .map(|hit| hit.range().into())
                .collect();
            if found.len() < scope.at_least {
                let (n, of, need) = (found.len(), phrases.len(), scope.at_least);
                let explanation = match (scope.otherwise, language) {
                    (Otherwise::Undetermined, Language::FR) => format!(
                        "Le document n’emploie que {n} des {of} expressions qui montrent que l’exigence s’applique (il en faut {need}) ; d’autres mots peuvent le dire."
                    ),
                    (Otherwise::Undetermined, Language::DE) => format!(
                        "Das Dokument enthält nur {n} von {of} Ausdrücken, an denen zu erkennen ist, dass die Anforderung gilt (nötig sind {need}); andere Worte können es sagen."
                    ),
                    (Otherwise::Undetermined, _) => format!(
                        "The document uses only {n} of {of} expressions that show that the requirement applies ({need} needed); other words may say so."
                    ),
                    (_, Language::FR) => format!(
                        "Le document n’emploie que {n} des {of} expressions propres à ce type de document ; il en faut {need}."
                    ),
                    (_, Language::DE) => format!(
                        "Das Dokument enthält nur {n} von {of} Ausdrücken, an denen solche Dokumente zu erkennen sind; nötig sind {need}."
                    ),
                    (_, _) => format!(
                        "The document uses only {n} of {of} expressions that mark such documents; {need} are needed."
                    ),
                };
                match scope.otherwise {
                    Otherwise::NotApplicable => {
                        return ScopeOutcome {
                            applies: Applies::No,
                            found,
                            explanation,
                        };
                    }
                    Otherwise::Undetermined => {
                        outcome.applies = Applies::Unclear;
                        outcome.explanation = explanation;
                    }
                }
            }
            outcome.found.extend(found);
        }
        outcome
    }

    /// Runs all checks that have something to look for in the language.
    #[must_use]
    pub fn run(&self, document: &Document, language: Language) -> Vec<CheckOutcome> {
        self.checks
            .iter()
            .filter_map(|check| check.run(document, language))
            .collect()
    }
}

fn compile_scope(scope: &Scope) -> Result<CompiledScope, String> {
    Ok(CompiledScope {
        otherwise: scope.otherwise,
        at_least: scope.at_least,
        phrases: compile_all(&scope.any_of)?,
    })
}

fn compile_all(phrases: &Localized<Vec<String>>) -> Result<Localized<Vec<Regex>>, String> {
    phrases
        .iter()
        .map(|(&language, list)| {
            let list = list
                .iter()
                .map(|text| phrases::phrase(text))
                .collect::<Result<_, _>>()?;
            Ok((language, list))
        })
        .collect()
}

fn compile_patterns(
    patterns: &Localized,
    group: Option<&str>,
) -> Result<Localized<Vec<Regex>>, String> {
    patterns
        .iter()
        .map(|(&language, text)| {
            let regex = phrases::pattern(text)?;
            if let Some(group) = group
                && !regex.capture_names().flatten().any(|name| name == group)
            {
                return Err(format!("the pattern `{text}` has no group `(?<{group}>…)`"));
            }
            Ok((language, vec![regex]))
        })
        .collect()
}

fn compile_check(check: &Check) -> Result<CompiledCheck, String> {
    let mut everywhere = None;
    let patterns = match &check.test {
        Test::Pattern(patterns) => compile_patterns(patterns, None)?,
        Test::Number { pattern, .. } => compile_patterns(pattern, Some("n"))?,
        Test::Date { pattern, .. } => compile_patterns(pattern, Some("d"))?,
        Test::Phrases(phrases) | Test::Section(phrases) => compile_all(phrases)?,
        Test::Identifier(identifier) => {
            let regex = Regex::new(identifiers::pattern(*identifier)).map_err(|e| e.to_string())?;
            everywhere = Some(regex);
            BTreeMap::new()
        }
    };
    Ok(CompiledCheck {
        check: check.clone(),
        patterns,
        everywhere,
    })
}

impl CompiledCheck {
    fn run(&self, document: &Document, language: Language) -> Option<CheckOutcome> {
        let none = Vec::new();
        let patterns = match (&self.everywhere, self.patterns.get(&language)) {
            (Some(_), _) => &none,
            (None, patterns) => patterns?,
        };
        let (state, hits) = self.test(document, patterns, language);
        let verdict = match state {
            State::Holds => self.check.holds,
            State::Fails => self.check.fails,
            State::Absent => self.check.absent,
        };
        let explanation = self.explain(state, &hits, document, language);
        Some(CheckOutcome {
            verdict,
            state,
            hits,
            explanation,
        })
    }

    fn test(
        &self,
        document: &Document,
        patterns: &[Regex],
        language: Language,
    ) -> (State, Vec<Span>) {
        let text = &document.text;
        let all = || -> Vec<Span> {
            let mut hits: Vec<Span> = patterns
                .iter()
                .flat_map(|pattern| pattern.find_iter(text).take(MOST_HITS))
                .map(|hit| hit.range().into())
                .collect();
            hits.sort_unstable();
            hits.dedup();
            hits
        };
        match &self.check.test {
            Test::Pattern(_) | Test::Phrases(_) => {
                let hits = all();
                (
                    if hits.is_empty() {
                        State::Absent
                    } else {
                        State::Holds
                    },
                    hits,
                )
            }
            Test::Section(_) => {
                let is_heading = |segment: &&konform_terms::Segment| {
                    let own = document.quote(segment);
                    patterns.iter().any(|pattern| {
                        segment.kind == SegmentKind::Heading && pattern.is_match(own)
                            || segment
                                .heading_path
                                .iter()
                                .any(|above| pattern.is_match(above))
                    })
                };
                let hit = document
                    .segments
                    .iter()
                    .find(is_heading)
                    .map(|segment| segment.span);
                (
                    if hit.is_some() {
                        State::Holds
                    } else {
                        State::Absent
                    },
                    hit.into_iter().collect(),
                )
            }
            Test::Number { bound, .. } => self.bounded(text, patterns, "n", |value| {
                let value = values::number(value, language)?;
                Some(
                    bound.min.is_none_or(|min| value >= min)
                        && bound.max.is_none_or(|max| value <= max),
                )
            }),
            Test::Date { bound, .. } => self.bounded(text, patterns, "d", |value| {
                let value = values::date(value, language)?;
                Some(
                    bound.min.as_ref().is_none_or(|min| value >= *min)
                        && bound.max.as_ref().is_none_or(|max| value <= *max),
                )
            }),
            Test::Identifier(identifier) => {
                let found: Vec<(Span, Validity)> = self
                    .everywhere
                    .iter()
                    .flat_map(|pattern| pattern.find_iter(text).take(MOST_HITS))
                    .map(|hit| {
                        (
                            hit.range().into(),
                            identifiers::check(*identifier, hit.as_str()),
                        )
                    })
                    .collect();
                outcome(
                    found
                        .into_iter()
                        .map(|(span, validity)| (span, validity != Validity::Wrong)),
                )
            }
        }
    }

    /// Reads the values in a group; those that are none are left out.
    fn bounded(
        &self,
        text: &str,
        patterns: &[Regex],
        group: &str,
        within: impl Fn(&str) -> Option<bool>,
    ) -> (State, Vec<Span>) {
        outcome(
            patterns
                .iter()
                .flat_map(|pattern| pattern.captures_iter(text))
                .filter_map(|captures| {
                    let fine = within(captures.name(group)?.as_str())?;
                    Some((captures.get(0)?.range().into(), fine))
                }),
        )
    }

    fn explain(
        &self,
        state: State,
        hits: &[Span],
        document: &Document,
        language: Language,
    ) -> String {
        let what = match &self.check.test {
            Test::Pattern(_) => ("a pattern", "un motif", "ein Muster"),
            Test::Phrases(_) => ("an expression", "une expression", "ein Ausdruck"),
            Test::Number { .. } => ("a number", "un nombre", "eine Zahl"),
            Test::Date { .. } => ("a date", "une date", "ein Datum"),
            Test::Identifier(_) => ("an identifier", "un identifiant", "eine Kennung"),
            Test::Section(_) => ("a section", "une section", "ein Abschnitt"),
        };
        let first = hits
            .first()
            .and_then(|hit| hit.of(&document.text))
            .unwrap_or_default();
        let first: String = first.split_whitespace().collect::<Vec<_>>().join(" ");
        match (language, state) {
            (Language::FR, State::Holds) => format!("{} a été trouvé(e) : « {first} ».", what.1),
            (Language::FR, State::Fails) => {
                format!(
                    "{} ne respecte pas ce qui est permis : « {first} ».",
                    what.1
                )
            }
            (Language::FR, State::Absent) => {
                format!("{} attendu(e) n’a pas été trouvé(e).", what.1)
            }
            (Language::DE, State::Holds) => format!("{} wurde gefunden: „{first}“.", what.2),
            (Language::DE, State::Fails) => {
                format!("{} liegt außerhalb des Erlaubten: „{first}“.", what.2)
            }
            (Language::DE, State::Absent) => {
                format!("{} wurde erwartet und nicht gefunden.", what.2)
            }
            (_, State::Holds) => format!("{} was found: “{first}”.", what.0),
            (_, State::Fails) => format!("{} is not within what is allowed: “{first}”.", what.0),
            (_, State::Absent) => format!("{} was expected and not found.", what.0),
        }
    }
}

/// What failed decides over what holds, and is what is shown.
fn outcome(found: impl Iterator<Item = (Span, bool)>) -> (State, Vec<Span>) {
    let (fine, wrong): (Vec<_>, Vec<_>) = found.take(MOST_HITS).partition(|(_, fine)| *fine);
    let spans = |list: Vec<(Span, bool)>| list.into_iter().map(|(span, _)| span).collect();
    match (fine.is_empty(), wrong.is_empty()) {
        (_, false) => (State::Fails, spans(wrong)),
        (false, true) => (State::Holds, spans(fine)),
        (true, true) => (State::Absent, vec![]),
    }
}
