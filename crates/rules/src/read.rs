use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use konform_terms::{
    Bound, Check, InstrumentId, Language, Localized, Pack, ProvisionRef, Requirement, Scope, Test,
};
use serde_saphyr::{Location, Spanned};

use crate::{
    checker::Checker,
    error::{Problem, RulesError, io, render},
    values, wire,
};

/// A file larger than this is no rule pack, in bytes.
const LARGEST: u64 = 4 << 20;

/// A pack that was read, with what is doubtful in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The pack.
    pub pack: Pack,
    /// The file it stands in.
    pub file: String,
    /// What is doubtful.
    pub warnings: Vec<Problem>,
    text: String,
}

impl Loaded {
    /// Renders the warnings with the lines of the file underlined, for people.
    #[must_use]
    pub fn render_warnings(&self, colour: bool, width: usize) -> String {
        render(&self.file, &self.text, &self.warnings, colour, width)
    }
}

/// Reads a rule pack, or all packs (`*.yaml`, `*.yml`) of a folder in the order of their names.
///
/// # Errors
/// If a file cannot be read or has an error, if a folder has no pack, or two files the same one.
pub fn load(path: &Path) -> Result<Vec<Loaded>, RulesError> {
    let mut files = Vec::new();
    if fs::metadata(path).map_err(io(path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(io(path))? {
            let file = entry.map_err(io(path))?.path();
            let is_yaml = file
                .extension()
                .is_some_and(|ext| ext == "yaml" || ext == "yml");
            if is_yaml && file.is_file() {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(RulesError::NoPack {
                path: path.to_owned(),
            });
        }
    } else {
        files.push(path.to_owned());
    }
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut loaded = Vec::new();
    for file in files {
        let size = fs::metadata(&file).map_err(io(&file))?.len();
        if size > LARGEST {
            let large = std::io::Error::other(format!("{size} bytes are too many for a rule pack"));
            return Err(io(&file)(large));
        }
        let text = fs::read_to_string(&file).map_err(io(&file))?;
        let one = parse(&file.display().to_string(), &text)?;
        if let Some(first) = found.insert(one.pack.id.clone(), file.clone()) {
            return Err(RulesError::Twice {
                pack: one.pack.id,
                first: first.display().to_string(),
                second: file.display().to_string(),
            });
        }
        loaded.push(one);
    }
    Ok(loaded)
}

/// Reads a rule pack from its text; `name` is what errors call the file.
///
/// # Errors
/// If the text has errors, with all that were found.
pub fn parse(name: &str, text: &str) -> Result<Loaded, RulesError> {
    let yaml = |problems| RulesError::Yaml {
        file: name.to_owned(),
        text: text.to_owned(),
        problems,
    };
    let wire: wire::Pack = serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), place);
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        // The place stands beside the message already.
        let message = first.split(" at line ").next().unwrap_or(first);
        let message = message.trim_start_matches("error: ");
        let message = message
            .split_once(": ")
            .filter(|(head, _)| head.starts_with("line "))
            .map_or(message, |(_, rest)| rest);
        yaml(vec![Problem::at(text, line, column, message.to_owned())])
    })?;
    let mut reading = Reading {
        text,
        problems: vec![],
        warnings: vec![],
    };
    let pack = reading.pack(wire);
    if !reading.problems.is_empty() {
        return Err(yaml(reading.problems));
    }
    Ok(Loaded {
        pack,
        file: name.to_owned(),
        warnings: reading.warnings,
        text: text.to_owned(),
    })
}

fn place(location: Location) -> (usize, usize) {
    let number = |value: u64| usize::try_from(value).unwrap_or(1).max(1);
    (number(location.line()), number(location.column()))
}

struct Reading<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reading<'_> {
    fn at<T>(&self, value: &Spanned<T>, message: impl Into<String>) -> Problem {
        let (line, column) = place(value.referenced);
        Problem::at(self.text, line, column, message.into())
    }

    fn pack(&mut self, wire: wire::Pack) -> Pack {
        self.id(&wire.id);
        if wire.requirements.value.is_empty() {
            self.problems
                .push(self.at(&wire.requirements, "a pack without requirements"));
        }
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut requirements = Vec::new();
        for requirement in wire.requirements.value {
            let (line, _) = place(requirement.id.referenced);
            if let Some(first) = names.insert(requirement.id.value.clone(), line) {
                let name = &requirement.id.value;
                self.problems.push(self.at(
                    &requirement.id,
                    format!("the requirement `{name}` stands in line {first} already"),
                ));
            }
            requirements.push(self.requirement(&wire.id.value, &wire.instruments, requirement));
        }
        Pack {
            id: wire.id.value,
            version: wire.version,
            title: wire.title,
            description: wire.description,
            scope: wire.scope.map(scope),
            instruments: wire
                .instruments
                .into_iter()
                .map(|(name, id)| (name, InstrumentId(id)))
                .collect(),
            requirements,
        }
    }

    fn id(&mut self, id: &Spanned<String>) {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.value.is_empty() || !id.value.bytes().all(fine) {
            let message = format!("`{}` is not a name", id.value);
            let problem = self.at(id, message);
            self.problems
                .push(problem.help("use lower-case letters, digits and hyphens"));
        }
    }

    fn requirement(
        &mut self,
        pack: &str,
        instruments: &BTreeMap<String, String>,
        wire: wire::Requirement,
    ) -> Requirement {
        self.id(&wire.id);
        if wire.statement.is_empty() {
            self.problems
                .push(self.at(&wire.id, "this requirement has no statement"));
        }
        for (language, statement) in &wire.statement {
            if statement.value.trim().is_empty() {
                self.problems
                    .push(self.at(statement, "an empty statement can be true of nothing"));
            } else if !wire.queries.contains_key(language) {
                let message =
                    format!("a statement without queries in the same language ({language})");
                let problem = self.at(statement, message);
                self.warnings.push(problem.help(
                    "add words that such clauses use; with the statement alone less is found",
                ));
            }
        }
        let provisions = wire
            .provisions
            .iter()
            .filter_map(|pin| self.provision(instruments, pin))
            .collect();
        let checks = wire
            .checks
            .into_iter()
            .filter_map(|check| self.check(check))
            .collect();
        Requirement {
            id: format!("{pack}/{}", wire.id.value),
            title: wire.title,
            statement: wire
                .statement
                .into_iter()
                .map(|(l, s)| (l, s.value))
                .collect(),
            kind: wire.kind,
            severity: wire.severity,
            scope: wire.scope.map(scope),
            provisions,
            queries: wire.queries,
            checks,
            wording: wire.wording,
        }
    }

    fn provision(
        &mut self,
        instruments: &BTreeMap<String, String>,
        pin: &Spanned<String>,
    ) -> Option<ProvisionRef> {
        let Some((name, address)) = pin.value.split_once('/').filter(|(_, address)| {
            let fine = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            address.contains('_') && address.chars().all(fine)
        }) else {
            let problem = self.at(pin, format!("`{}` is not a provision", pin.value));
            self.problems
                .push(problem.help("write SHORT-NAME/ADDRESS, as in gdpr/art_28__para_3__point_a"));
            return None;
        };
        let Some(instrument) = instruments.get(name) else {
            let known: Vec<&str> = instruments.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            let problem = self.at(pin, format!("the pack has no instrument called `{name}`"));
            self.problems
                .push(problem.help(format!("`instruments` names: {known}")));
            return None;
        };
        Some(ProvisionRef {
            instrument: InstrumentId(instrument.clone()),
            address: address.into(),
        })
    }

    fn check(&mut self, spanned: Spanned<wire::Check>) -> Option<Check> {
        let place = Spanned::new((), spanned.referenced, spanned.defined);
        let wire::Check {
            pattern,
            phrases,
            number,
            date,
            identifier,
            section,
            holds,
            fails,
            absent,
        } = spanned.value;
        let mut tests: Vec<Test> = Vec::new();
        tests.extend(pattern.map(Test::Pattern));
        tests.extend(phrases.map(Test::Phrases));
        tests.extend(section.map(Test::Section));
        tests.extend(identifier.map(Test::Identifier));
        if let Some(wire::Number { pattern, min, max }) = number {
            tests.push(Test::Number {
                pattern,
                bound: Bound { min, max },
            });
        }
        if let Some(wire::Date { pattern, min, max }) = date {
            for day in [&min, &max].into_iter().flatten() {
                if values::date(day, Language::EN).is_none_or(|found| found != *day) {
                    let problem = self.at(&place, format!("`{day}` is not a day"));
                    self.problems.push(problem.help("write YYYY-MM-DD"));
                }
            }
            tests.push(Test::Date {
                pattern,
                bound: Bound { min, max },
            });
        }
        if tests.len() != 1 {
            let problem = self.at(&place, format!("a check with {} tests", tests.len()));
            self.problems.push(problem.help(
                "give exactly one of pattern, phrases, number, date, identifier and section",
            ));
            return None;
        }
        let check = Check {
            test: tests.remove(0),
            holds,
            fails,
            absent,
        };
        if let Err(message) = Checker::try_check(&check) {
            let problem = self.at(&place, message);
            self.problems.push(problem);
            return None;
        }
        Some(check)
    }
}

fn scope(wire: wire::Scope) -> Scope {
    let any_of: Localized<Vec<String>> = wire.any_of;
    Scope {
        any_of,
        at_least: wire.at_least.max(1),
        otherwise: wire.otherwise,
    }
}
