use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Instant, SystemTime},
};

use anstream::{eprintln, println};
use konform_ingest::Found;
use konform_report::{CorpusFacts, ModelFacts, Report, Run};
use konform_terms::{Document, Finding, Language, Nature, Pack, Passage, Unreadable, Verdict};
use konform_trace::{Pins, Start};

use super::{READ_MEMORY, READ_SECONDS};
use crate::{
    Outcome,
    args::{CheckArgs, Print},
    builtin,
    config::Config,
    error::CliError,
    inputs, progress, reading,
    run::{Inputs, Ledger, judge_all},
    table,
};

/// Where the report goes if nothing else is said.
const OUT: &str = "konform-out";

pub(crate) fn run(args: &CheckArgs) -> Outcome {
    let began = Instant::now();
    let config = Config::find()?;
    let out = match (&args.out, &config.out) {
        (Some(out), _) => out.clone(),
        (None, Some(out)) => config.path(out),
        (None, None) => PathBuf::from(OUT),
    };
    // Whatever can be wrong is found before any work.
    let loaded = inputs::rules(&args.inputs, &config)?;
    for rules in &loaded {
        if !rules.warnings.is_empty() {
            tracing::info!("{}", rules.render_warnings(false, 100));
        }
    }
    let packs: Vec<Pack> = loaded.into_iter().map(|loaded| loaded.pack).collect();
    let (corpus, corpus_folder) = inputs::corpus(&args.inputs.corpus, &config)?;
    let index = inputs::index(&corpus, &corpus_folder)?;
    let files = files(&args.paths, &out)?;
    prepare_out(&out)?;
    let inputs::Judge {
        mut engine,
        name,
        settings,
        profile,
    } = inputs::judge(&args.model, &args.judging, &config)?;
    let language = args.language.or(config.language).unwrap_or(Language::EN);
    let documents = reading::read(
        &files,
        args.read_seconds
            .or(config.read_seconds)
            .unwrap_or(READ_SECONDS),
        args.read_memory
            .or(config.read_memory)
            .unwrap_or(READ_MEMORY),
        args.quiet,
    )?;
    let start = Start {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now(),
    };
    let all_settings = serde_json::json!({"judge": settings, "language": language});
    let pins = Pins {
        model: serde_json::to_value(engine.identity()).unwrap_or_default(),
        corpus: corpus.digest(),
        rules: packs
            .iter()
            .map(|pack| (pack.id.clone(), pack.digest()))
            .collect(),
        settings: all_settings.clone(),
        prompt: konform_judge::PROMPT_VERSION.to_owned(),
    };
    let trace = out.join("trace.jsonl");
    let ledger = Ledger::open(&trace, start.clone(), pins, &documents, args.fresh)?;
    let requirements: usize = packs.iter().map(|pack| pack.requirements.len()).sum();
    let readable = documents.iter().filter(|read| read.is_ok()).count();
    let bar = progress::bar("Judging", requirements * readable, args.quiet);
    let given = Inputs {
        packs: &packs,
        corpus: &corpus,
        index: &index,
        settings: &settings,
        language,
        only: None,
    };
    let judging = Instant::now();
    let outcome = judge_all(&given, engine.as_mut(), &documents, ledger, &bar)?;
    let seconds = judging.elapsed().as_secs_f64();
    bar.finish_and_clear();

    let (read, unreadable) = split(documents);
    let facts = Run {
        konform: start.version,
        started: start.at,
        model: Some(ModelFacts {
            name: engine.identity().name.clone(),
            source: if name == builtin::MODEL_NAME {
                "built-in".to_owned()
            } else {
                name
            },
            digest: Some(engine.identity().digest),
            engine: engine.identity().engine.clone(),
            calibrated: settings.calibration.is_some(),
            measured: profile.map_or(vec![], |profile| {
                profile.measured(packs.iter().map(|pack| pack.id.as_str()))
            }),
        }),
        corpora: corpus
            .texts()
            .iter()
            .map(|text| CorpusFacts {
                title: format!(
                    "{} ({}, {})",
                    text.instrument.short_title, text.instrument.language, text.instrument.version
                ),
                digest: text.digest(),
                nature: text.instrument.nature,
            })
            .collect(),
        thresholds: packs
            .iter()
            .map(|pack| (pack.id.clone(), settings.of(&format!("{}/", pack.id)).1))
            .collect(),
        settings: all_settings,
    };
    let passages = cited(&outcome.findings, &corpus);
    let report = Report {
        title: "Compliance report".to_owned(),
        language: majority_language(&read, language),
        run: facts,
        documents: &read,
        unreadable: &unreadable,
        packs: &packs,
        passages: &passages,
        findings: &outcome.findings,
    };
    let html = out.join("report.html");
    write(&html, &konform_report::html(&report))?;
    write(
        &out.join("findings.json"),
        &konform_report::findings_json(&report),
    )?;
    write(&out.join("report.md"), &konform_report::markdown(&report))?;

    match args.format {
        Print::Table => print_summary(&outcome.findings, &packs, &corpus, &unreadable),
        Print::Json => println!("{}", konform_report::findings_json(&report)),
        Print::Markdown => println!("{}", konform_report::markdown(&report)),
        Print::None => {}
    }
    if args.format == Print::Table {
        println!();
        println!("Report    {}", html.display());
        println!(
            "Trace     {}  (konform trace verify {})",
            trace.display(),
            out.display()
        );
        println!("Findings  {}", outcome.digest);
    }
    if !args.quiet {
        eprintln!(
            "{} findings judged, {} taken over; {} tokens evaluated, {} reused; {:.1} s judging, {:.1} s in all",
            outcome.judged,
            outcome.taken_over,
            outcome.evaluated,
            outcome.reused,
            seconds,
            began.elapsed().as_secs_f64()
        );
    }
    let gate: BTreeSet<Verdict> = args
        .fail_on
        .clone()
        .or(config.fail_on)
        .unwrap_or_default()
        .into_iter()
        .map(Verdict::from)
        .collect();
    let tripped = outcome
        .findings
        .iter()
        .filter(|f| gate.contains(&f.verdict))
        .count();
    if tripped > 0 {
        if !args.quiet {
            eprintln!("--fail-on: {tripped} findings");
        }
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The files to check; what an earlier run wrote into the output folder is not among them.
fn files(paths: &[PathBuf], out: &Path) -> Result<Vec<Found>, CliError> {
    let mut files = konform_ingest::discover(paths).map_err(|error| {
        let help = error.help();
        CliError::from_input(error).hint(help)
    })?;
    if let Ok(out) = fs::canonicalize(out) {
        files.retain(|file| fs::canonicalize(&file.path).is_ok_and(|path| !path.starts_with(&out)));
    }
    Ok(files)
}

/// Makes the output folder and tries to write into it.
pub(super) fn prepare_out(out: &Path) -> Result<(), CliError> {
    let refuse = |error: std::io::Error| {
        CliError::input(format!(
            "the output folder {} cannot be written",
            out.display()
        ))
        .because(error)
        .hint("choose another with --out")
    };
    fs::create_dir_all(out).map_err(refuse)?;
    tempfile::Builder::new()
        .prefix(".konform-")
        .tempfile_in(out)
        .map_err(refuse)?;
    Ok(())
}

fn split(read: Vec<Result<Document, Unreadable>>) -> (Vec<Document>, Vec<Unreadable>) {
    let (mut documents, mut unreadable) = (vec![], vec![]);
    for one in read {
        match one {
            Ok(document) => documents.push(document),
            Err(file) => unreadable.push(file),
        }
    }
    (documents, unreadable)
}

/// The passages that findings cite, whole.
fn cited(findings: &[Finding], corpus: &konform_corpus::Corpus) -> Vec<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    let mut seen = BTreeSet::new();
    for citation in findings.iter().flat_map(|finding| &finding.citations) {
        let key = (
            &citation.instrument,
            &citation.version,
            citation.language,
            &citation.address,
        );
        if !seen.insert(key) {
            continue;
        }
        let text = corpus.texts().iter().find(|text| {
            let own = &text.instrument;
            own.id == citation.instrument
                && own.version == citation.version
                && own.language == citation.language
        });
        found.extend(text.and_then(|text| text.passage(text.provision(&citation.address)?)));
    }
    found
}

/// The language that most documents are in.
fn majority_language(documents: &[Document], otherwise: Language) -> Language {
    let count = |language| {
        documents
            .iter()
            .filter(|d| d.language == Some(language))
            .count()
    };
    let languages = [otherwise, Language::EN, Language::FR, Language::DE];
    // The first of equals wins, and `otherwise` comes first.
    languages
        .into_iter()
        .rev()
        .max_by_key(|&language| count(language))
        .unwrap_or(otherwise)
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    // A reader never sees half a report.
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|error| {
            let _ = fs::remove_file(&part);
            CliError::work(format!("{} cannot be written", path.display())).because(error).hint(
            "the trace holds all findings: free some space, and the same command writes the report",
        )
        })
}

fn print_summary(
    findings: &[Finding],
    packs: &[Pack],
    corpus: &konform_corpus::Corpus,
    unreadable: &[Unreadable],
) {
    println!("{}", table::summary(findings, packs));
    println!("{}", table::counts(findings));
    for file in unreadable {
        println!("! {}: {} ({})", file.path, file.detail, file.reason);
    }
    let paraphrased = findings
        .iter()
        .flat_map(|f| &f.citations)
        .any(|c| c.nature == Nature::Paraphrase);
    if paraphrased && !corpus.texts().is_empty() {
        println!(
            "Law is cited from konform's own digest, a paraphrase: `konform corpus add FILE` brings the official text."
        );
    }
}

/// The time, after RFC 3339, in UTC; the only clock that a record sees.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line stamps a run; no finding sees it"
)]
pub(super) fn now() -> String {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil from days, after Howard Hinnant's description of the proleptic calendar.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest % 3_600 / 60,
        rest % 60
    )
}
