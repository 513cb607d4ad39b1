//! Errors as the user sees them: what, why, what to do; and the exit code.

use std::{error::Error, fmt, process::ExitCode};

use anstream::eprintln;

/// What went wrong, in the kinds that the exit code tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wrong use or bad input: nothing was judged. Exit code 2.
    Input,
    /// The work stopped in the middle. Exit code 3.
    Work,
}

/// An error with its kind and with hints that only the command line can give.
#[derive(Debug)]
pub(crate) struct CliError {
    kind: Kind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    hints: Vec<String>,
    /// A report that is already rendered for people, such as one that underlines a place in YAML.
    rendered: Option<String>,
}

impl CliError {
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    pub(crate) fn work(message: impl Into<String>) -> Self {
        Self::new(Kind::Work, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            hints: vec![],
            rendered: None,
        }
    }

    /// Takes the message and causes of another error.
    pub(crate) fn from_input(error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: error_source(&error),
            ..Self::input(error.to_string())
        }
    }

    /// Takes the message and causes of an error in the middle of the work.
    pub(crate) fn from_work(error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: error_source(&error),
            ..Self::work(error.to_string())
        }
    }

    pub(crate) fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn rendered(mut self, report: String) -> Self {
        self.rendered = Some(report);
        self
    }

    pub(crate) fn print(&self) {
        let bold = anstyle::AnsiColor::Red.on_default().bold();
        eprintln!("{bold}error{bold:#}: {}", self.message);
        let mut cause = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = cause {
            eprintln!("  because {error}");
            cause = error.source();
        }
        if let Some(report) = &self.rendered {
            eprintln!("{report}");
        }
        for hint in &self.hints {
            eprintln!("  hint: {hint}");
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Input => 2,
            Kind::Work => 3,
        })
    }
}

/// The causes of an error as text, so that they outlive it.
fn error_source(error: &dyn Error) -> Option<Box<dyn Error + Send + Sync>> {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.into_iter().rev().fold(None, |source, message| {
        Some(Box::new(Cause { message, source }) as Box<dyn Error + Send + Sync>)
    })
}

#[derive(Debug)]
struct Cause {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
