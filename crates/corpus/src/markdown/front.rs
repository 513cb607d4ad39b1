use std::collections::BTreeMap;

use konform_terms::{Digest, Instrument, InstrumentId, Language, Nature};

use super::Fault;

const KEYS: [&str; 6] = [
    "id",
    "language",
    "version",
    "title",
    "short-title",
    "nature",
];
const KNOWN: &str = "The keys are id, language, version, title, short-title and nature";

/// Reads the block of `key: value` lines between two lines `---`.
pub(super) fn read<'t>(
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
    source: Digest,
) -> Result<Instrument, (usize, Fault)> {
    let mut values: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    lines.next();
    let mut last = None;
    for (number, line) in lines.by_ref() {
        let line = line.trim();
        if line == "---" {
            last = Some(number);
            break;
        }
        if line.is_empty() {
            continue;
        }
        let fault = |problem: String, remedy| (number, (problem, remedy));
        let Some((key, value)) = line.split_once(':') else {
            let remedy = "The front matter holds one key and value a line, and ends with `---`";
            return Err(fault(
                format!("`{}` is not `key: value`", super::shorten(line)),
                remedy,
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        if !KEYS.contains(&key) {
            return Err(fault(
                format!("the key `{}` is not known", super::shorten(key)),
                KNOWN,
            ));
        }
        if value.is_empty() {
            return Err(fault(
                format!("`{key}` has no value"),
                "Write it behind the colon",
            ));
        }
        if values.insert(key, (number, value)).is_some() {
            return Err(fault(
                format!("`{key}` stands twice"),
                "Remove one of the lines",
            ));
        }
    }
    let Some(last) = last else {
        let problem = "the front matter does not end".to_owned();
        return Err((1, (problem, "End it with a line `---`")));
    };
    let value = |key: &str| {
        let problem = || {
            (
                last,
                (format!("`{key}` is missing in the front matter"), KNOWN),
            )
        };
        values.get(key).copied().ok_or_else(problem)
    };
    let name = |key: &str| {
        let (line, value) = value(key)?;
        let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '(' | ')');
        if value.chars().all(fine) {
            return Ok(value.to_owned());
        }
        let remedy = "Use letters, digits and `-`, `.`, `_`, `(`, `)` alone: it is part of names";
        Err((
            line,
            (
                format!("the {key} `{value}` holds other characters"),
                remedy,
            ),
        ))
    };
    let (line, language) = value("language")?;
    let language: Language = language
        .parse()
        .map_err(|error| (line, (format!("{error}"), "Give the language of the text")))?;
    let nature = match value("nature")? {
        (_, "official") => Nature::Official,
        (_, "paraphrase") => Nature::Paraphrase,
        (line, other) => {
            let remedy = "Write `official` or `paraphrase`";
            return Err((line, (format!("the nature is `{other}`"), remedy)));
        }
    };
    Ok(Instrument {
        id: InstrumentId(name("id")?),
        language,
        version: name("version")?,
        title: value("title")?.1.to_owned(),
        short_title: value("short-title")?.1.to_owned(),
        nature,
        format: "markdown".to_owned(),
        source,
    })
}
