//! The YAML of a rule pack, as it is written. The field docs are what editors show.

use std::collections::BTreeMap;

use konform_terms::{Identifier, Kind, Language, Localized, Otherwise, Severity, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The JSON Schema of a rule pack, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Pack).to_value()
}

/// A rule pack.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "konform rule pack")]
pub(crate) struct Pack {
    /// The name of the pack: lower-case letters, digits and hyphens.
    #[schemars(with = "String", regex(pattern = "^[a-z0-9-]+$"))]
    pub(crate) id: Spanned<String>,
    /// The version of the pack, as its author counts; in quotes.
    pub(crate) version: String,
    /// What the pack is for, per language.
    pub(crate) title: Localized,
    /// What the pack covers and what it leaves out, per language.
    #[serde(default)]
    pub(crate) description: Localized,
    /// The instruments by short names: `gdpr: 32016R0679` (CELEX numbers for law of the Union).
    #[serde(default)]
    pub(crate) instruments: BTreeMap<String, String>,
    /// Which documents the pack is about. Without it: all.
    #[serde(default)]
    pub(crate) scope: Option<Scope>,
    /// The requirements.
    #[schemars(with = "Vec<Requirement>")]
    pub(crate) requirements: Spanned<Vec<Requirement>>,
}

/// Which documents are meant, by phrases that they use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    /// How many different phrases have to occur.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub(crate) at_least: usize,
    /// Phrases per language; `*` at an end allows a longer word.
    pub(crate) any_of: Localized<Vec<String>>,
    /// What follows where they do not occur: the requirement does not apply, or, where the matter
    /// may be told in other words, a failure is left to a person.
    #[serde(default)]
    pub(crate) otherwise: Otherwise,
}

fn one() -> usize {
    1
}

/// One thing that a document must, must not or should do or say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirement {
    /// The name in the pack: lower-case letters, digits and hyphens.
    #[schemars(with = "String", regex(pattern = "^[a-z0-9-]+$"))]
    pub(crate) id: Spanned<String>,
    /// A few words for tables, per language.
    pub(crate) title: Localized,
    /// One sentence per language: true of a document that satisfies `must` and `should`, and not
    /// true of one that satisfies `must-not`.
    #[schemars(with = "Localized")]
    pub(crate) statement: BTreeMap<Language, Spanned<String>>,
    /// Obligation, prohibition or advice.
    pub(crate) kind: Kind,
    /// How much a failure weighs.
    pub(crate) severity: Severity,
    /// Which documents the requirement is about, beside the pack's scope.
    #[serde(default)]
    pub(crate) scope: Option<Scope>,
    /// The provisions it comes from: `short-name/address`, as `gdpr/art_28__para_3__point_a`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) provisions: Vec<Spanned<String>>,
    /// Words that find the sentences that bear on it, per language.
    #[serde(default)]
    pub(crate) queries: Localized<Vec<String>>,
    /// Checks that need no model, in order; the first that decides, decides.
    #[serde(default)]
    #[schemars(with = "Vec<Check>")]
    pub(crate) checks: Vec<Spanned<Check>>,
    /// What the report says for a verdict, per language.
    #[serde(default)]
    pub(crate) wording: BTreeMap<Verdict, Localized>,
}

/// One test, and the verdicts that follow from it. Exactly one of pattern, phrases, number, date,
/// identifier and section is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// A regular expression per language; case and line breaks are disregarded.
    #[serde(default)]
    pub(crate) pattern: Option<Localized>,
    /// Phrases per language; `*` at an end allows a longer word.
    #[serde(default)]
    pub(crate) phrases: Option<Localized<Vec<String>>>,
    /// A number in the group `n` of a pattern, and its bounds.
    #[serde(default)]
    pub(crate) number: Option<Number>,
    /// A date in the group `d` of a pattern, and its bounds.
    #[serde(default)]
    pub(crate) date: Option<Date>,
    /// An identifier with check digits.
    #[serde(default)]
    pub(crate) identifier: Option<Identifier>,
    /// A heading that contains one of these phrases, per language.
    #[serde(default)]
    pub(crate) section: Option<Localized<Vec<String>>>,
    /// The verdict where the test holds.
    #[serde(default)]
    pub(crate) holds: Option<Verdict>,
    /// The verdict where something was found that fails: out of bounds, or a wrong check digit.
    #[serde(default)]
    pub(crate) fails: Option<Verdict>,
    /// The verdict where nothing was found.
    #[serde(default)]
    pub(crate) absent: Option<Verdict>,
}

/// A number and its bounds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    /// A pattern per language with the group `(?<n>…)`.
    pub(crate) pattern: Localized,
    /// The least allowed value.
    #[serde(default)]
    pub(crate) min: Option<f64>,
    /// The greatest allowed value.
    #[serde(default)]
    pub(crate) max: Option<f64>,
}

/// A date and its bounds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Date {
    /// A pattern per language with the group `(?<d>…)`.
    pub(crate) pattern: Localized,
    /// The first allowed day, `YYYY-MM-DD`.
    #[serde(default)]
    pub(crate) min: Option<String>,
    /// The last allowed day, `YYYY-MM-DD`.
    #[serde(default)]
    pub(crate) max: Option<String>,
}
