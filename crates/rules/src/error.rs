use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use konform_terms::Span;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

/// Says why rule packs cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The file system refused.
    #[error("{path}: the rules cannot be read")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is no pack in the folder.
    #[error("{path}: there is no rule pack (*.yaml, *.yml) in this folder")]
    NoPack {
        /// The folder.
        path: PathBuf,
    },
    /// The YAML has errors.
    #[error("{file}:{}:{}: {}", problems[0].line, problems[0].column, problems[0].message)]
    Yaml {
        /// The file.
        file: String,
        /// Its text.
        text: String,
        /// What is wrong, in the order of the file; at least one.
        problems: Vec<Problem>,
    },
    /// Two files have the same pack.
    #[error("the pack `{pack}` stands in {first} and in {second}. Rename one, or leave one out")]
    Twice {
        /// The pack.
        pack: String,
        /// The first file.
        first: String,
        /// The second file.
        second: String,
    },
}

/// Something wrong or doubtful in a rule pack, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1 in characters.
    pub column: usize,
    /// The bytes of the file that are meant.
    pub span: Span,
}

impl Problem {
    /// Makes a problem at a place given by line and column (both counted from 1, in characters).
    pub(crate) fn at(text: &str, line: usize, column: usize, message: String) -> Self {
        let start: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let row = text[start..].lines().next().unwrap_or_default();
        let offset: usize = row
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        let rest = &row[offset.min(row.len())..];
        let length = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |at| at + 2),
            _ => rest.find([':', ',', ']', '}', '#']).unwrap_or(rest.len()),
        };
        let length = rest[..length].trim_end().len();
        let start = start + offset;
        Self {
            message,
            help: None,
            line,
            column,
            span: Span::new(start, start + length),
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl RulesError {
    /// Renders the error with the lines of the file underlined, for people.
    #[must_use]
    pub fn render(&self, colour: bool, width: usize) -> String {
        let Self::Yaml {
            file,
            text,
            problems,
        } = self
        else {
            return self.to_string();
        };
        render(file, text, problems, colour, width)
    }
}

pub(crate) fn render(
    file: &str,
    text: &str,
    problems: &[Problem],
    colour: bool,
    width: usize,
) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false);
    let mut out = String::new();
    for problem in problems {
        let source = NamedSource::new(file, text.to_owned());
        // A report that cannot be rendered still says what is wrong.
        if handler
            .render_report(&mut out, &Underlined { problem, source })
            .is_err()
        {
            out.push_str(&problem.message);
        }
    }
    out
}

#[derive(Debug)]
struct Underlined<'a> {
    problem: &'a Problem,
    source: NamedSource<String>,
}

impl fmt::Display for Underlined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Underlined<'_> {}

impl Diagnostic for Underlined<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Span { start, end } = self.problem.span;
        let label = LabeledSpan::at(start..end.max(start), "here");
        Some(Box::new(std::iter::once(label)))
    }
}

pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> RulesError + '_ {
    move |source| RulesError::Io {
        path: path.to_owned(),
        source,
    }
}
