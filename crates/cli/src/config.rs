//! `konform.toml`: found upward from the current folder, as Cargo finds its own; flags win.

use std::{
    fs,
    num::NonZeroU8,
    path::{Path, PathBuf},
};

use konform_terms::Language;
use serde::Deserialize;

use crate::{
    args::{ModeName, VerdictName},
    error::CliError,
};

/// The file's name.
pub(crate) const NAME: &str = "konform.toml";

/// What `konform init` writes: every setting at its default, commented out.
pub(crate) const TEMPLATE: &str = include_str!("../konform.toml");

/// The settings of a project. Paths are relative to the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    pub(crate) rules: Vec<String>,
    pub(crate) corpus: Option<PathBuf>,
    pub(crate) model: Option<String>,
    pub(crate) calibration: Option<PathBuf>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) fail_on: Option<Vec<VerdictName>>,
    pub(crate) threshold: Option<f64>,
    pub(crate) language: Option<Language>,
    pub(crate) threads: Option<u16>,
    pub(crate) mode: Option<ModeName>,
    pub(crate) prefix_cache: Option<PathBuf>,
    /// How large the prefix cache may be, in MiB.
    pub(crate) prefix_cache_size: Option<u32>,
    pub(crate) commentary: bool,
    pub(crate) server: Option<ServerConfig>,
    pub(crate) read_seconds: Option<u64>,
    pub(crate) read_memory: Option<u64>,
    /// The folder of the file; the current one where there is no file.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// A model on a server of the user's own network. There is no flag for it: a run can send documents
/// to an address only if a file of the project names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServerConfig {
    pub(crate) address: String,
    pub(crate) model: Option<String>,
    /// The environment variable that holds the key; the key itself stands in no file.
    pub(crate) key_variable: Option<String>,
    pub(crate) context: Option<u32>,
    pub(crate) concurrency: Option<NonZeroU8>,
    pub(crate) timeout_seconds: Option<u64>,
}

impl Config {
    /// Finds and reads the settings; all defaults where there is no file.
    pub(crate) fn find() -> Result<Self, CliError> {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let Some(file) = here
            .ancestors()
            .map(|folder| folder.join(NAME))
            .find(|file| file.is_file())
        else {
            return Ok(Self::default());
        };
        let text = fs::read_to_string(&file).map_err(|error| {
            CliError::input(format!("{} cannot be read", file.display())).because(error)
        })?;
        Self::parse(&file, &text)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, CliError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            CliError::input(format!("{} has an error", file.display()))
                .rendered(error.to_string())
                .hint("`konform init` writes one that explains every setting")
        })?;
        if config
            .threshold
            .is_some_and(|threshold| !(0.0..=1.0).contains(&threshold))
        {
            return Err(CliError::input(format!(
                "{}: threshold is not a number from 0 to 1",
                file.display()
            )));
        }
        config.folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Ok(config)
    }

    /// A path of the file, seen from the current folder.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_the_default_and_reads_back_with_every_setting_on() {
        let file = Path::new("konform.toml");
        assert!(Config::parse(file, TEMPLATE).is_ok());
        let all: String = TEMPLATE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if setting.starts_with('[') => setting,
                Some(setting) if setting.contains(" = ") && !setting.starts_with(' ') => setting,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let config = Config::parse(file, &all)
            .map_err(|error| error.print())
            .unwrap();
        assert_eq!(config.threshold, Some(0.6));
        assert_eq!(config.fail_on.unwrap().len(), 2);
        assert!(config.server.is_some());
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(Config::parse(Path::new("konform.toml"), "thresold = 0.5").is_err());
        assert!(Config::parse(Path::new("konform.toml"), "threshold = 1.5").is_err());
    }
}
