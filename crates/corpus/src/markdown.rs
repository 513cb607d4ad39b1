//! konform's own format for texts of law, as `docs/corpus-format.md` describes it.

mod front;

use std::path::Path;

use konform_terms::{Digest, Language};

use crate::{
    error::CorpusError,
    labels::{Part, Unit},
    outline::Outline,
    text::Text,
};

/// Whether a text begins with front matter that names an instrument.
pub(crate) fn is_markdown(text: &str) -> bool {
    let mut lines = text.lines();
    let begins = lines.next().is_some_and(|line| line.trim_end() == "---");
    begins && lines.take(20).any(|line| line.starts_with("id:"))
}

/// What is wrong in a line, and what to do.
type Fault = (String, &'static str);

/// Reads a text that begins with front matter.
pub(crate) fn read(
    path: &Path,
    text: &str,
    source: Digest,
) -> Result<(Text, Vec<String>), CorpusError> {
    let malformed = |line: usize, (problem, remedy): Fault| CorpusError::Malformed {
        path: path.to_owned(),
        line,
        problem,
        remedy: remedy.to_owned(),
    };
    let mut lines = (1..).zip(text.lines());
    let instrument =
        front::read(&mut lines, source).map_err(|(line, fault)| malformed(line, fault))?;
    let mut body = Body::new(instrument.language);
    for (number, line) in lines {
        body.line(number, line)
            .map_err(|fault| malformed(number, fault))?;
    }
    if !body.outline.has_units() {
        let problem = "there is no article".to_owned();
        return Err(malformed(
            text.lines().count().max(1),
            (problem, "Add `## Art. 1 Heading`"),
        ));
    }
    let (provisions, warnings) = body.outline.finish();
    Ok((Text::new(instrument, provisions), warnings))
}

struct Body {
    outline: Outline,
    /// The chapter that is open.
    chapter: Option<usize>,
    /// The article, paragraph and points that are open, outermost first.
    open: Vec<Open>,
    /// Whether the line before was empty.
    after_blank: bool,
}

/// A provision that is open.
struct Open {
    /// The column in which it begins; what belongs to it begins further right.
    column: usize,
    provision: usize,
    /// Whether it has points already.
    closed: bool,
    /// How many unnumbered paragraphs it has.
    paragraphs: usize,
    /// Whether it is an unnumbered paragraph itself.
    continues: bool,
}

impl Body {
    fn new(language: Language) -> Self {
        Self {
            outline: Outline::new(language),
            chapter: None,
            open: vec![],
            after_blank: true,
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        let content = line.trim();
        let column = line.len() - line.trim_start().len();
        if content.is_empty() {
            self.after_blank = true;
            return Ok(());
        }
        let after_blank = std::mem::replace(&mut self.after_blank, false);
        if let Some(title) = content.strip_prefix("## ") {
            return self.unit(title.trim());
        }
        if let Some(title) = content.strip_prefix("# ") {
            let (label, heading) = title.split_once(':').unwrap_or((title, ""));
            self.chapter = Some(self.outline.division(label, heading, None));
            self.open.clear();
            return Ok(());
        }
        if content.starts_with("##") {
            return Err((
                format!("`{}` is a heading of no known level", shorten(content)),
                "Write `# Chapter I: Title` and `## Art. 1 Heading`",
            ));
        }
        if self.open.is_empty() {
            return Err((
                format!("`{}` stands outside of any article", shorten(content)),
                "Put it below a heading `## Art. 1 Heading`",
            ));
        }
        if let Some(item) = content.strip_prefix("- ") {
            let (number, text) = numbered(item.trim_start()).ok_or((
                format!("`{}` has no number", shorten(content)),
                "Begin a point with its number: `- (a) …`",
            ))?;
            // A paragraph begins in column 0 like its points; both are inside the article.
            self.close(|open| open.column > column);
            self.part(column + 1, Part::Point(number.to_owned()), text);
            return Ok(());
        }
        if let Some((number, text)) = numbered(content).filter(|_| column == 0)
            && number.starts_with(|c: char| c.is_ascii_digit())
        {
            self.open.truncate(1);
            self.part(0, Part::Paragraph(number.to_owned()), text);
            return Ok(());
        }
        if column == 0 && after_blank && numbered(content).is_some() {
            self.outline.warn(format!(
                "line {number}: `{}` is read as text; a point begins with `- `",
                shorten(content)
            ));
        }
        self.text(column, after_blank, content);
        Ok(())
    }

    /// Opens an article, annex or recital.
    fn unit(&mut self, title: &str) -> Result<(), Fault> {
        let (kind, rest) = title.split_once(char::is_whitespace).unwrap_or((title, ""));
        let rest = rest.trim_start();
        let (number, heading) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let number = number.to_owned();
        let starts_with_digit = number.starts_with(|c: char| c.is_ascii_digit());
        let unit = match kind.to_lowercase().as_str() {
            "art." if starts_with_digit => Unit::Article(number),
            "recital" | "considérant" | "erwägungsgrund" if starts_with_digit => {
                Unit::Recital(number)
            }
            "annex" | "annexe" | "anhang" if !number.is_empty() => Unit::Annex(number),
            _ => {
                return Err((
                    format!("`{}` is not the heading of an article", shorten(title)),
                    "Write `## Art. 13 Heading`, `## Annex I Heading` or `## Recital 39`",
                ));
            }
        };
        let chapter = self.chapter.filter(|_| matches!(unit, Unit::Article(_)));
        let provision = self.outline.unit(unit, heading, chapter);
        self.open = vec![Open {
            column: 0,
            provision,
            closed: false,
            paragraphs: 0,
            continues: false,
        }];
        Ok(())
    }

    /// Opens a paragraph or a point in what is open.
    fn part(&mut self, column: usize, part: Part, text: &str) {
        if column > 0 {
            self.close(|open| open.column >= column);
        }
        let Some(parent) = self.open.last_mut() else {
            return;
        };
        parent.closed = true;
        parent.paragraphs = parent.paragraphs.max(1);
        let provision = self.outline.part(parent.provision, part, "");
        self.outline.add(provision, text);
        let open = Open {
            column,
            provision,
            closed: false,
            paragraphs: 1,
            continues: false,
        };
        self.open.push(open);
    }

    /// Adds text to what is open: a line goes on, or an unnumbered paragraph begins.
    fn text(&mut self, column: usize, after_blank: bool, text: &str) {
        if after_blank {
            self.close(|open| open.column > column || (open.continues && open.column == column));
        }
        let Some(open) = self.open.last_mut() else {
            return;
        };
        if !after_blank {
            self.outline.add(open.provision, text);
            return;
        }
        open.paragraphs += 1;
        if !open.closed {
            self.outline.add(open.provision, text);
            return;
        }
        let column = open.column;
        let own = self
            .outline
            .part(open.provision, Part::Subparagraph(open.paragraphs), "");
        self.outline.add(own, text);
        let open = Open {
            column,
            provision: own,
            closed: false,
            paragraphs: 1,
            continues: true,
        };
        self.open.push(open);
    }

    /// Closes what is open at the end, but never the article.
    fn close(&mut self, ends: impl Fn(&Open) -> bool) {
        while self.open.len() > 1 && self.open.last().is_some_and(&ends) {
            self.open.pop();
        }
    }
}

/// Splits `(a) text` into number and text.
fn numbered(line: &str) -> Option<(&str, &str)> {
    let (number, text) = line.strip_prefix('(')?.split_once(')')?;
    let is_number =
        (1..=6).contains(&number.chars().count()) && number.chars().all(char::is_alphanumeric);
    let ends = text.is_empty() || text.starts_with(char::is_whitespace);
    (is_number && ends).then(|| (number, text.trim()))
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
