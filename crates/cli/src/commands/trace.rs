use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstream::println;
use konform_corpus::Corpus;
use konform_ingest::Found;
use konform_terms::{Address, InstrumentId, Language, Provision};
use konform_trace::{DocumentText, Record, Sources, Trace, verify};

use super::{READ_MEMORY, READ_SECONDS};
use crate::{
    Outcome, args::TraceCommand, builtin, config::Config, error::CliError, inputs, reading, table,
};

pub(crate) fn run(command: TraceCommand) -> Outcome {
    match command {
        TraceCommand::Show { trace, only } => show(&file(&trace), only.as_deref()),
        TraceCommand::Verify {
            trace,
            documents,
            corpus,
        } => {
            let config = Config::find()?;
            let (corpus, _) = inputs::corpus(&corpus, &config)?;
            let builtin = Corpus::from_markdown(builtin::CORPORA).map_err(CliError::from_input)?;
            let trace = file(&trace);
            let documents = texts(&trace, &documents, &config)?;
            check(
                &trace,
                Here {
                    documents,
                    corpus,
                    builtin,
                },
            )
        }
    }
}

/// The trace in an output folder, or the file itself.
fn file(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.join("trace.jsonl")
    } else {
        path.to_owned()
    }
}

fn check(path: &Path, sources: Here) -> Outcome {
    let found = match verify(path, &sources) {
        Ok(found) => found,
        // A trace that is not there is wrong use; a chain that is broken is a result.
        Err(error @ konform_trace::TraceError::Io { .. }) => {
            return Err(CliError::from_input(error));
        }
        Err(error) => {
            println!("✗ {error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    for problem in &found.problems {
        println!("✗ {problem}");
    }
    if found.problems.is_empty() {
        println!(
            "✓ the chain of {} records holds; {} findings; {} quotes stand verbatim in their sources",
            found.records, found.findings, found.quotes
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} problems in {} records, {} findings, {} quotes",
        found.problems.len(),
        found.records,
        found.findings,
        found.quotes
    );
    let pinned = Trace::read(path).map(|trace| trace.pins().map(|pins| pins.corpus));
    if let Ok(Some(pinned)) = pinned
        && pinned != sources.corpus.digest()
    {
        println!(
            "The run cited the corpus {pinned}, which is not the one here: name it with --corpus."
        );
    }
    Ok(ExitCode::FAILURE)
}

/// Reads the documents that a trace is about again, as `check` did.
fn texts(
    trace: &Path,
    folder: &Path,
    config: &Config,
) -> Result<BTreeMap<String, Result<DocumentText, String>>, CliError> {
    // A trace that cannot be read has no documents; what is wrong with it is told later.
    let records = Trace::read(trace).map(|trace| trace.records);
    let files: Vec<Found> = records
        .unwrap_or_default()
        .into_iter()
        .filter_map(|record| match record {
            Record::Document(read) => Some(Found {
                path: folder.join(&read.path),
                shown: read.path,
            }),
            _ => None,
        })
        .collect();
    let seconds = config.read_seconds.unwrap_or(READ_SECONDS);
    let memory = config.read_memory.unwrap_or(READ_MEMORY);
    let read = reading::read(&files, seconds, memory, false)?;
    Ok(files
        .into_iter()
        .zip(read)
        .map(|(file, read)| {
            let text = read
                .map(|document| DocumentText {
                    digest: document.digest,
                    text: document.text,
                })
                .map_err(|unreadable| unreadable.detail);
            (file.shown, text)
        })
        .collect())
}

struct Here {
    /// The documents by the paths of the trace.
    documents: BTreeMap<String, Result<DocumentText, String>>,
    corpus: Corpus,
    /// The digests, which an official text imported since may stand before.
    builtin: Corpus,
}

impl Sources for Here {
    fn document(&self, path: &str) -> Result<DocumentText, String> {
        self.documents
            .get(path)
            .cloned()
            .unwrap_or_else(|| Err("it was not read".to_owned()))
    }

    fn provision(
        &self,
        instrument: &InstrumentId,
        version: &str,
        language: Language,
        address: &Address,
    ) -> Option<Provision> {
        [&self.corpus, &self.builtin]
            .iter()
            .find_map(|corpus| corpus.provision(instrument, version, language, address))
            .cloned()
    }
}

fn show(path: &Path, only: Option<&str>) -> Outcome {
    let trace = Trace::read(path).map_err(CliError::from_input)?;
    for (index, record) in trace.records.iter().enumerate() {
        let lines = describe(record);
        if only.is_none_or(|text| lines.iter().any(|line| line.contains(text))) {
            for (row, line) in lines.iter().enumerate() {
                let number = if row == 0 {
                    (index + 1).to_string()
                } else {
                    String::new()
                };
                println!("{number:>6}  {line}");
            }
        }
    }
    if trace.torn > 0 {
        println!("        (the last line is torn: the run was killed; `check` goes on behind it)");
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(record: &Record) -> Vec<String> {
    match record {
        Record::Run { start, pins } => {
            let mut lines = vec![
                format!("run by konform {} at {}", start.version, start.at),
                format!("model {}", pins.model),
                format!("corpus {}", pins.corpus),
            ];
            lines.extend(
                pins.rules
                    .iter()
                    .map(|(pack, digest)| format!("rules {pack} {digest}")),
            );
            lines.push(format!("settings {} {}", pins.settings, pins.prompt));
            lines
        }
        Record::Resume { start, findings } => {
            vec![format!(
                "gone on by konform {} at {}, {findings} findings before",
                start.version, start.at
            )]
        }
        Record::Document(read) => {
            let mut lines = vec![format!(
                "read {} ({:?}, {} segments, {} pages) {}",
                read.path, read.format, read.segments, read.pages, read.digest
            )];
            lines.extend(
                read.warnings
                    .iter()
                    .map(|warning| format!("  warning: {}", warning.message)),
            );
            lines
        }
        Record::Unreadable(file) => {
            vec![format!(
                "could not read {}: {} ({})",
                file.path, file.detail, file.reason
            )]
        }
        Record::Finding { finding, work } => {
            let (mark, _) = table::mark(finding.verdict);
            let requirement = finding.requirement.as_deref().unwrap_or("-");
            let mut lines = vec![format!(
                "{mark} {} {} {requirement}",
                finding.verdict, finding.document
            )];
            if let Some(probability) = finding.probability {
                lines.push(format!(
                    "  probability {probability:.3} from {} prompts, {} tokens evaluated, {} reused",
                    work.asked.len(),
                    work.evaluated,
                    work.reused
                ));
            }
            for evidence in &finding.evidence {
                let page = evidence
                    .page
                    .map(|page| format!("p. {page} "))
                    .unwrap_or_default();
                lines.push(format!(
                    "  {} {page}“{}”{}",
                    evidence.id,
                    evidence.quote,
                    moved(evidence.moves)
                ));
            }
            for citation in &finding.citations {
                lines.push(format!(
                    "  {} {} {}{}",
                    citation.id,
                    citation.label,
                    citation.short_title,
                    moved(citation.moves)
                ));
            }
            if let Some(words) = &finding.commentary {
                lines.push(format!(
                    "  in the model's words, which decide nothing: {words}"
                ));
            }
            for step in &finding.justification {
                lines.push(format!("  · {} {}", step.text, step.rests_on.join(" ")));
            }
            lines
        }
        Record::End {
            findings_digest,
            counts,
        } => {
            let counts: Vec<String> = counts
                .iter()
                .map(|(verdict, count)| format!("{count} {verdict}"))
                .collect();
            vec![format!("end: {} ({findings_digest})", counts.join(", "))]
        }
    }
}

fn moved(moves: Option<f64>) -> String {
    moves
        .map(|moves| format!(" (moves the verdict by {moves:+.2})"))
        .unwrap_or_default()
}
