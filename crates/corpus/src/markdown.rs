//! konform's own format for texts of law, as `docs/corpus-format.md` describes it.

use std::{collections::BTreeMap, path::Path};

use konform_terms::{Address, Digest, Instrument, InstrumentId, Language, Nature, Provision};

use crate::{
    error::CorpusError,
    labels::{self, Part},
    text::{Text, fold, unique},
};

const KEYS: [&str; 6] = [
    "id",
    "language",
    "version",
    "title",
    "short-title",
    "nature",
];

pub(crate) fn read(
    path: &Path,
    text: &str,
    source: Digest,
) -> Result<(Text, Vec<String>), CorpusError> {
    let malformed = |line: usize, problem: String, remedy: &str| CorpusError::Malformed {
        path: path.to_owned(),
        line,
        problem,
        remedy: remedy.to_owned(),
    };
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.next();
    let mut front: BTreeMap<&str, &str> = BTreeMap::new();
    for (line, content) in lines.by_ref() {
        if content.trim() == "---" {
            break;
        }
        if content.trim().is_empty() {
            continue;
        }
        let Some((key, value)) = content.split_once(':') else {
            return Err(malformed(
                line,
                format!("`{content}` is not `key: value`"),
                "The front matter holds one key and value a line, and ends with `---`",
            ));
        };
        if !KEYS.contains(&key.trim()) {
            return Err(malformed(
                line,
                format!("the key `{}` is not known", key.trim()),
                "The keys are id, language, version, title, short-title and nature",
            ));
        }
        front.insert(key.trim(), value.trim());
    }
    let value = |key: &str| {
        front
            .get(key)
            .copied()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                malformed(
                    1,
                    format!("`{key}` is missing"),
                    "Add it to the front matter",
                )
            })
    };
    let language: Language = value("language")?
        .parse()
        .map_err(|error| malformed(1, format!("{error}"), "Give the language of the text"))?;
    let nature = match value("nature")? {
        "official" => Nature::Official,
        "paraphrase" => Nature::Paraphrase,
        other => {
            return Err(malformed(
                1,
                format!("nature is `{other}`"),
                "Write `official` or `paraphrase`",
            ));
        }
    };
    let instrument = Instrument {
        id: InstrumentId(value("id")?.to_owned()),
        language,
        version: value("version")?.to_owned(),
        title: value("title")?.to_owned(),
        short_title: value("short-title")?.to_owned(),
        nature,
        format: "markdown".to_owned(),
        source,
    };

    let mut body = Body {
        language,
        provisions: vec![],
        warnings: vec![],
        article: None,
        chapter: None,
        open: vec![],
    };
    for (line, content) in lines {
        body.line(content)
            .map_err(|(problem, remedy)| malformed(line, problem, remedy))?;
    }
    if body.provisions.is_empty() {
        return Err(malformed(
            1,
            "there is no article".to_owned(),
            "Add `## Art. 1 Heading`",
        ));
    }
    Ok((Text::new(instrument, body.provisions), body.warnings))
}

struct Body {
    language: Language,
    provisions: Vec<Provision>,
    warnings: Vec<String>,
    chapter: Option<Address>,
    article: Option<(Address, String)>,
    /// The paragraph and points that are open: indentation, index of the provision, part.
    open: Vec<(usize, usize, Part)>,
}

impl Body {
    fn line(&mut self, line: &str) -> Result<(), (String, &'static str)> {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if trimmed.is_empty() {
            return Ok(());
        }
        if let Some(title) = trimmed.strip_prefix("## ") {
            return self.article(title);
        }
        if let Some(title) = trimmed.strip_prefix("# ") {
            let count = self
                .provisions
                .iter()
                .filter(|p| p.address.as_str().starts_with("chp_"))
                .count();
            let (label, heading) = title.split_once(':').unwrap_or((title, ""));
            let address = unique(
                &self.provisions,
                format!("chp_{}", count + 1),
                &mut self.warnings,
            );
            self.push(address.clone(), label.trim(), None, heading.trim(), "");
            self.chapter = Some(address);
            self.article = None;
            return Ok(());
        }
        if let Some(item) = trimmed.strip_prefix("- ") {
            let (number, text) = numbered(item).ok_or((
                format!("`{item}` has no number"),
                "Begin a point with its number: `- (a) …`",
            ))?;
            while self.open.last().is_some_and(|(at, ..)| *at > indent) {
                self.open.pop();
            }
            return self.part(indent + 1, Part::Point(number), text);
        }
        if let Some((number, text)) = numbered(trimmed).filter(|_| indent == 0) {
            self.open.clear();
            return self.part(0, Part::Paragraph(number), text);
        }
        // Text of the article, or the line before goes on.
        let at = match (self.open.last(), &self.article) {
            (Some(&(_, at, _)), _) => at,
            (None, Some(_)) => self.provisions.len() - 1,
            (None, None) => {
                return Err((
                    format!("`{}` stands outside of any article", shorten(trimmed)),
                    "Put it below a heading `## Art. N …`",
                ));
            }
        };
        let own = &mut self.provisions[at].text;
        *own = fold(&format!("{own} {trimmed}"));
        Ok(())
    }

    fn article(&mut self, title: &str) -> Result<(), (String, &'static str)> {
        let rest = title
            .strip_prefix("Art.")
            .or_else(|| title.strip_prefix("art."));
        let (number, heading) = rest
            .map(str::trim_start)
            .map(|rest| rest.split_once(' ').unwrap_or((rest, "")))
            .filter(|(number, _)| number.starts_with(|c: char| c.is_ascii_digit()))
            .ok_or((
                format!("`{title}` is not the heading of an article"),
                "Write `## Art. 13 Heading`",
            ))?;
        let address = unique(
            &self.provisions,
            format!("art_{}", labels::slug(number)),
            &mut self.warnings,
        );
        let label = labels::article(self.language, number, &[]);
        self.push(
            address.clone(),
            &label,
            self.chapter.clone(),
            heading.trim(),
            "",
        );
        self.article = Some((address, number.to_owned()));
        self.open.clear();
        Ok(())
    }

    fn part(
        &mut self,
        indent: usize,
        part: Part,
        text: &str,
    ) -> Result<(), (String, &'static str)> {
        let Some((article, number)) = self.article.clone() else {
            return Err((
                format!("`{}` stands outside of any article", shorten(text)),
                "Put it below a heading `## Art. N …`",
            ));
        };
        while self.open.last().is_some_and(|(at, ..)| *at >= indent) {
            self.open.pop();
        }
        let parent = self
            .open
            .last()
            .map_or(article, |&(_, at, _)| self.provisions[at].address.clone());
        let address = unique(
            &self.provisions,
            format!("{parent}__{}", part.address()),
            &mut self.warnings,
        );
        let mut parts: Vec<Part> = self.open.iter().map(|(_, _, part)| part.clone()).collect();
        parts.push(part.clone());
        let label = labels::article(self.language, &number, &parts);
        self.push(address, &label, Some(parent), "", text);
        self.open.push((indent, self.provisions.len() - 1, part));
        Ok(())
    }

    fn push(
        &mut self,
        address: Address,
        label: &str,
        parent: Option<Address>,
        heading: &str,
        text: &str,
    ) {
        self.provisions.push(Provision {
            address,
            label: label.to_owned(),
            parent,
            heading: heading.to_owned(),
            text: fold(text),
        });
    }
}

/// Splits `(a) text` into number and text.
fn numbered(line: &str) -> Option<(String, &str)> {
    let (number, text) = line.strip_prefix('(')?.split_once(')')?;
    let short = number.chars().count() <= 6 && !number.is_empty();
    (short && number.chars().all(char::is_alphanumeric)).then(|| (number.to_owned(), text.trim()))
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT: &str = "---\nid: X1\nlanguage: en\nversion: 2020-01-01\ntitle: An Act\n\
                         short-title: Act\nnature: paraphrase\n---\n";

    fn outline(body: &str) -> String {
        let text = format!("{FRONT}{body}");
        match read(Path::new("act.md"), &text, Digest::of(&text)) {
            Ok((text, _)) => text
                .provisions
                .iter()
                .map(|p| format!("{} | {} | {} | {}\n", p.address, p.label, p.heading, p.text))
                .collect(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn articles_paragraphs_and_points_get_addresses() {
        insta::assert_snapshot!(outline("
# Chapter I: First

## Art. 1 Scope

(1) It covers:

- (a) one thing;
- (b) another:
  - (i) like this,
    over two lines;
  - (ii) and that;
- (c) a third.

(2) Nothing else.

## Art. 2a Plain

Text straight below.
"), @"
        chp_1 | Chapter I | First | 
        art_1 | Art. 1 | Scope | 
        art_1__para_1 | Art. 1(1) |  | It covers:
        art_1__para_1__point_a | Art. 1(1)(a) |  | one thing;
        art_1__para_1__point_b | Art. 1(1)(b) |  | another:
        art_1__para_1__point_b__point_i | Art. 1(1)(b)(i) |  | like this, over two lines;
        art_1__para_1__point_b__point_ii | Art. 1(1)(b)(ii) |  | and that;
        art_1__para_1__point_c | Art. 1(1)(c) |  | a third.
        art_1__para_2 | Art. 1(2) |  | Nothing else.
        art_2a | Art. 2a | Plain | Text straight below.
        ");
    }

    #[test]
    fn errors_name_line_and_remedy() {
        insta::assert_snapshot!(outline("stray"), @"act.md:9: `stray` stands outside of any article. Put it below a heading `## Art. N …`");
        insta::assert_snapshot!(outline("## Section 1"), @"act.md:9: `Section 1` is not the heading of an article. Write `## Art. 13 Heading`");
        insta::assert_snapshot!(outline(""), @"act.md:1: there is no article. Add `## Art. 1 Heading`");
    }
}
