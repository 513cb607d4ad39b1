//! The command line as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use konform_terms::Language;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; no finding has a verdict named by --fail-on
  1  done; a finding has a verdict named by --fail-on, a trace does not verify, a rule pack has errors
  2  wrong use or bad input: nothing was judged
  3  stopped in the middle of the work; finished findings are kept, the same command resumes";

/// Checks documents against the law, with a local model and a citation for every verdict.
#[derive(Debug, Parser)]
#[command(name = "konform", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Tell more of what happens; repeat for more still.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check documents against rule packs and write a report.
    #[command(after_help = EXIT_CODES)]
    Check(Box<CheckArgs>),
    /// Measure a model on labelled documents, and write its calibration file.
    Eval(Box<EvalArgs>),
    /// Import, list and search texts of law.
    #[command(subcommand)]
    Corpus(CorpusCommand),
    /// List, show and lint rule packs.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// List, inspect and fetch models.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Show and verify the record of a run.
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Write a konform.toml with every setting explained.
    Init {
        /// The folder to write it to.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
    /// Read one file and print it as JSON; `check` starts one such process per file.
    #[command(name = "__read", hide = true)]
    Read {
        /// Seconds that it may take.
        #[arg(long)]
        seconds: u64,
        /// MiB of memory that it may take.
        #[arg(long)]
        memory: u64,
        /// The file.
        path: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files and folders to check.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where the report, findings and trace go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Exit with 1 if a finding has one of these verdicts.
    #[arg(long, value_name = "VERDICT", value_delimiter = ',')]
    pub(crate) fail_on: Option<Vec<VerdictName>>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = Print::Table)]
    pub(crate) format: Print,
    #[command(flatten)]
    pub(crate) judging: JudgeArgs,
    /// The language to assume where a document's own is uncertain.
    #[arg(long, value_name = "LANG")]
    pub(crate) language: Option<Language>,
    /// Seconds that reading one file may take.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) read_seconds: Option<u64>,
    /// MiB of memory that reading one file may take.
    #[arg(long, value_name = "MIB")]
    pub(crate) read_memory: Option<u64>,
    /// Judge everything again, whatever an earlier run in the same folder found.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Show no progress.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// The labelled set: JSON Lines after docs/eval-format.md, a JSON file of `ContractNLI`, or a CSV
    /// table of sentences.
    pub(crate) file: PathBuf,
    /// Where the figures, the calibration and the trace go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Another labelled set, which the baselines are trained on (default: parts of the same set).
    #[arg(long, value_name = "FILE")]
    pub(crate) train: Option<PathBuf>,
    /// Take every labelled requirement to apply, whatever the scopes of rule packs say: measures the
    /// judging alone.
    #[arg(long)]
    pub(crate) ignore_scope: bool,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) judging: JudgeArgs,
    /// Show no progress.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What answers, and how it is run.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// The model: a GGUF file of Mistral architecture, `builtin`, or `server` for the one that
    /// konform.toml names.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<String>,
    /// Threads for the model (default: one for a small model, else one per processor).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Whether the same question always has the same bits, or several are evaluated at a time,
    /// which is faster and moves the last digits of probabilities (default: replayable).
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) mode: Option<ModeName>,
    /// A folder that keeps what the model made of statements and law between runs (default: none).
    #[arg(long, value_name = "DIR")]
    pub(crate) prefix_cache: Option<PathBuf>,
}

/// What comes before speed, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ModeName {
    Replayable,
    Throughput,
}

/// How the model is asked, and when it may decide.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// The probability below which the verdict is `undetermined` (default: that of the
    /// calibration, else 0.6).
    #[arg(long, value_name = "P", value_parser = probability)]
    pub(crate) threshold: Option<f64>,
    /// The calibration file of the model, which `konform eval` writes; `none` for none (default:
    /// MODEL.calibration.json beside the model, if it is there).
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration: Option<String>,
    /// How the model reads the evidence: all segments in one prompt, or each in a prompt of its
    /// own, which suits small models.
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) reading: Option<ReadingName>,
    /// How many segments of a document the model reads at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) max_evidence: Option<u16>,
    /// How many passages of law the model reads at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=32))]
    pub(crate) max_passages: Option<u16>,
    /// Whether the model's leaning to yes or no, found on an empty document, is taken out (default:
    /// as its calibration says, else yes).
    #[arg(long, value_name = "YES_OR_NO", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) balanced: Option<bool>,
    /// Let the model add a sentence or two on each verdict. They decide nothing.
    #[arg(long)]
    pub(crate) commentary: bool,
}

/// How the model reads the evidence, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadingName {
    Together,
    Each,
}

/// Where law and rules come from.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Rule packs: a YAML file, a folder of them, or the name of a built-in pack; repeatable
    /// (default: all built-in packs).
    #[arg(long, value_name = "PACK")]
    pub(crate) rules: Vec<String>,
    #[command(flatten)]
    pub(crate) corpus: CorpusArg,
}

/// The folder that imported law is kept in.
#[derive(Debug, Args)]
pub(crate) struct CorpusArg {
    /// The corpus folder that `konform corpus add` fills; official texts in it replace the built-in
    /// digests (default: .konform/corpus beside konform.toml, or here).
    #[arg(long = "corpus", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CorpusCommand {
    /// Import texts of law (Formex 4, or Markdown after docs/corpus-format.md).
    Add {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        corpus: CorpusArg,
    },
    /// List the instruments that `check` would use.
    List {
        #[command(flatten)]
        corpus: CorpusArg,
    },
    /// Print a provision and what stands below it.
    Show {
        /// INSTRUMENT/ADDRESS, for example `32016R0679/art_28__para_3`; without an address: an outline.
        provision: String,
        /// The language.
        #[arg(long, default_value = "en")]
        language: Language,
        #[command(flatten)]
        corpus: CorpusArg,
    },
    /// Search passages of law.
    Search {
        /// The words.
        #[arg(required = true)]
        words: Vec<String>,
        /// The language.
        #[arg(long, default_value = "en")]
        language: Language,
        /// How many passages.
        #[arg(long, default_value_t = 10)]
        limit: usize,
        #[command(flatten)]
        corpus: CorpusArg,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List rule packs and their requirements.
    List {
        #[command(flatten)]
        inputs: InputArgs,
    },
    /// Find errors in rule packs, with the place in the YAML.
    Lint {
        /// Files or folders.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        corpus: CorpusArg,
    },
    /// Show one requirement with everything that a verdict on it rests on.
    Show {
        /// PACK/REQUIREMENT, or a pack.
        requirement: String,
        /// The language.
        #[arg(long, default_value = "en")]
        language: Language,
        #[command(flatten)]
        inputs: InputArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the built-in model and those that `pull` knows.
    List,
    /// Tell what a model file is.
    Info {
        /// A GGUF file, or `builtin`.
        #[arg(default_value = "builtin")]
        model: String,
    },
    /// Fetch a model from its hub; the one command that opens a connection. Can be interrupted and
    /// started again.
    Pull {
        /// A name from `konform model list`.
        name: String,
        /// Where the file goes (default: the user's data folder).
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        /// A mirror of the hub.
        #[arg(long, value_name = "URL")]
        hub: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Print the record of a run for people.
    Show {
        /// The trace, or the folder that `check` wrote.
        trace: PathBuf,
        /// Only records that mention this text (a document, a requirement).
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// Verify that nothing in a trace was changed and that every quote stands where it says.
    Verify {
        /// The trace, or the folder that `check` wrote.
        trace: PathBuf,
        /// The folder that the documents' paths are relative to.
        #[arg(long, value_name = "DIR", default_value = ".")]
        documents: PathBuf,
        #[command(flatten)]
        corpus: CorpusArg,
    },
}

/// What `check` prints on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Print {
    /// A table for people.
    Table,
    /// The same as findings.json.
    Json,
    /// The same as report.md.
    Markdown,
    /// Nothing.
    None,
}

/// A verdict, as a word on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VerdictName {
    Violated,
    Missing,
    Undetermined,
    NotAssessed,
    Satisfied,
    NotApplicable,
}

impl From<VerdictName> for konform_terms::Verdict {
    fn from(name: VerdictName) -> Self {
        match name {
            VerdictName::Violated => Self::Violated,
            VerdictName::Missing => Self::Missing,
            VerdictName::Undetermined => Self::Undetermined,
            VerdictName::NotAssessed => Self::NotAssessed,
            VerdictName::Satisfied => Self::Satisfied,
            VerdictName::NotApplicable => Self::NotApplicable,
        }
    }
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 1 is expected".to_owned()),
    }
}
