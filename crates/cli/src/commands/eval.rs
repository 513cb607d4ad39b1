//! Labelled documents through the pipeline of `check`, and what came out against what is right.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::ExitCode,
    time::Instant,
};

use anstream::{eprintln, println};
use konform_eval::{
    Calibrated, Choice, Evaluation, Fit, LabelledSet, Outcome as Judgement, Prior, Ranked, Run,
    Words,
};
use konform_index::SegmentIndex;
use konform_ingest::Found;
use konform_judge::{Calibration, Letter, OfPack, Profile, Settings, Shift};
use konform_terms::{
    Document, Finding, Language, Measured, Pack, Purpose, Requirement, Severity, Unreadable, Work,
};
use konform_trace::{Pins, Record, Start, Trace};

use super::{READ_MEMORY, READ_SECONDS, check};
use crate::{
    Outcome,
    args::EvalArgs,
    config::Config,
    error::CliError,
    inputs, progress, reading,
    run::{Inputs, Ledger, judge_all},
};

/// What a segment that the model did not read scores, before what the search gave it.
const UNREAD: f64 = -1000.0;

pub(crate) fn run(args: &EvalArgs) -> Outcome {
    let config = Config::find()?;
    let mut set = LabelledSet::read(&args.file).map_err(CliError::from_input)?;
    let train = args.train.as_deref().map(LabelledSet::read).transpose();
    let train = train.map_err(CliError::from_input)?;
    let packs = packs(args, &config, &set)?;
    let (corpus, corpus_folder) = inputs::corpus(&args.inputs.corpus, &config)?;
    let index = inputs::index(&corpus, &corpus_folder)?;
    check::prepare_out(&args.out)?;
    let inputs::Judge {
        mut engine,
        settings,
        ..
    } = inputs::judge(&args.model, &args.judging, &config)?;
    let identity = engine.identity().clone();

    let documents = documents(&set, &args.file, &config, args.quiet)?;
    for read in &documents {
        if let Err(file) = read {
            eprintln!("! {}: {} ({})", file.path, file.detail, file.reason);
        }
    }
    let texts: BTreeMap<String, String> = documents
        .iter()
        .filter_map(|read| read.as_ref().ok())
        .map(|document| (document.path.clone(), document.text.clone()))
        .collect();
    set.locate(&args.file, &texts)
        .map_err(CliError::from_input)?;
    let labelled: BTreeSet<(String, String)> = set
        .labels
        .iter()
        .map(|label| (label.document.clone(), label.requirement.clone()))
        .collect();
    let start = Start {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: check::now(),
    };
    let all_settings = serde_json::json!({"judge": settings, "language": Language::EN});
    let pins = Pins {
        model: serde_json::to_value(&identity).unwrap_or_default(),
        corpus: corpus.digest(),
        rules: packs
            .iter()
            .map(|pack| (pack.id.clone(), pack.digest()))
            .collect(),
        settings: all_settings.clone(),
        prompt: konform_judge::PROMPT_VERSION.to_owned(),
    };
    let trace = args.out.join("trace.jsonl");
    // Always afresh: figures of one run are of one machine in one state.
    let ledger = Ledger::open(&trace, start.clone(), pins, &documents, true)?;
    let bar = progress::bar("Judging", labelled.len(), args.quiet);
    let given = Inputs {
        packs: &packs,
        corpus: &corpus,
        index: &index,
        settings: &settings,
        language: Language::EN,
        only: Some(&labelled),
    };
    let began = Instant::now();
    let judged = judge_all(&given, engine.as_mut(), &documents, ledger, &bar)?;
    let seconds = began.elapsed().as_secs_f64();
    bar.finish_and_clear();

    let read: Vec<&Document> = documents
        .iter()
        .filter_map(|read| read.as_ref().ok())
        .collect();
    let outcomes = outcomes(&trace, &read, &packs)?;
    let train_texts = train.as_ref().map(plain_texts).unwrap_or_default();
    let evaluation = konform_eval::evaluate(
        &set,
        &texts,
        &outcomes,
        train.as_ref().map(|train| (train, &train_texts)),
        Run {
            konform: start.version,
            model: identity.name.clone(),
            model_digest: identity.digest,
            parameters: identity.parameters,
            settings: all_settings,
            calibrations: packs
                .iter()
                .flat_map(|pack| &pack.requirements)
                .filter_map(|requirement| {
                    let own = settings.of(&requirement.id).0?;
                    let fit = Fit {
                        temperature: own.temperature,
                        silence: own.silence,
                        denial: own.denial,
                    };
                    Some((requirement.id.clone(), fit))
                })
                .collect(),
            tokens_evaluated: judged.evaluated,
            tokens_reused: judged.reused,
            seconds,
        },
    );
    check::write(&args.out.join("eval.json"), &evaluation.json())?;
    check::write(&args.out.join("eval.html"), &evaluation.html())?;
    println!("{}", evaluation.summary());
    println!("Figures      {}", args.out.join("eval.html").display());
    if let Some(profile) = profile(&evaluation, &set, &settings, identity.digest) {
        let file = args.out.join("calibration.json");
        let json = serde_json::to_string_pretty(&profile).unwrap_or_default() + "\n";
        check::write(&file, &json)?;
        let file = file.display();
        println!("Calibration  {file}  (konform check --calibration {file})");
    } else {
        println!("Calibration  none: the model was asked for fewer than 20 of the labels");
    }
    Ok(ExitCode::SUCCESS)
}

/// The packs with the labelled requirements: those that the set defines, and of rule packs the
/// others.
fn packs(args: &EvalArgs, config: &Config, set: &LabelledSet) -> Result<Vec<Pack>, CliError> {
    let wanted: BTreeSet<&str> = set
        .labels
        .iter()
        .map(|label| label.requirement.as_str())
        .collect();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut packs: BTreeMap<String, Pack> = BTreeMap::new();
    for loaded in inputs::rules(&args.inputs, config)? {
        let mut pack = loaded.pack;
        pack.requirements
            .retain(|requirement| wanted.contains(requirement.id.as_str()));
        if args.ignore_scope {
            pack.scope = None;
            for requirement in &mut pack.requirements {
                requirement.scope = None;
            }
        }
        if !pack.requirements.is_empty() {
            known.extend(pack.requirements.iter().map(|r| r.id.clone()));
            packs.insert(pack.id.clone(), pack);
        }
    }
    for own in &set.requirements {
        // What a rule pack says of a requirement is what `check` would judge by.
        if !wanted.contains(own.id.as_str()) || !known.insert(own.id.clone()) {
            continue;
        }
        let id = own.id.split_once('/').map_or("set", |(pack, _)| pack);
        let pack = packs.entry(id.to_owned()).or_insert_with(|| Pack {
            id: id.to_owned(),
            version: "0".to_owned(),
            title: BTreeMap::new(),
            description: BTreeMap::new(),
            scope: None,
            instruments: BTreeMap::new(),
            requirements: vec![],
        });
        let languages = own
            .language
            .map_or(vec![Language::EN, Language::FR, Language::DE], |one| {
                vec![one]
            });
        let each = |text: &str| -> BTreeMap<Language, String> {
            languages
                .iter()
                .map(|&language| (language, text.to_owned()))
                .collect()
        };
        pack.requirements.push(Requirement {
            id: own.id.clone(),
            title: each(own.title.as_deref().unwrap_or(&own.id)),
            statement: each(&own.statement),
            kind: own.kind,
            severity: Severity::Medium,
            scope: None,
            provisions: vec![],
            queries: languages
                .iter()
                .map(|&language| (language, own.queries.clone()))
                .collect(),
            checks: vec![],
            wording: BTreeMap::new(),
        });
    }
    let unknown: Vec<&str> = wanted
        .into_iter()
        .filter(|id| !known.contains(*id))
        .take(5)
        .collect();
    if !unknown.is_empty() {
        return Err(CliError::input(format!(
            "{}: labels name requirements that neither the set nor a rule pack defines: {}",
            args.file.display(),
            unknown.join(", ")
        ))
        .hint("define them in the set (docs/eval-format.md), or name their pack with --rules"));
    }
    Ok(packs.into_values().collect())
}

/// The documents of a set: texts as they stand, files read as `check` reads them.
fn documents(
    set: &LabelledSet,
    file: &Path,
    config: &Config,
    quiet: bool,
) -> Result<Vec<Result<Document, Unreadable>>, CliError> {
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let files: Vec<Found> = set
        .documents
        .iter()
        .filter_map(|document| match &document.words {
            Words::File(path) => Some(Found {
                path: folder.join(path),
                shown: document.id.clone(),
            }),
            Words::Text(_) => None,
        })
        .collect();
    let seconds = config.read_seconds.unwrap_or(READ_SECONDS);
    let memory = config.read_memory.unwrap_or(READ_MEMORY);
    let mut read = reading::read(&files, seconds, memory, quiet)?;
    for document in &set.documents {
        if let Words::Text(text) = &document.words {
            read.push(Ok(konform_ingest::verbatim(
                text.clone(),
                &document.id,
                &document.units,
                document.language,
            )));
        }
    }
    Ok(read)
}

/// The texts of a training set, for the classifier over words; files are left out.
fn plain_texts(set: &LabelledSet) -> BTreeMap<String, String> {
    set.documents
        .iter()
        .filter_map(|document| match &document.words {
            Words::Text(text) => Some((document.id.clone(), text.clone())),
            Words::File(_) => None,
        })
        .collect()
}

/// What the trace says of each finding.
fn outcomes(
    trace: &Path,
    documents: &[&Document],
    packs: &[Pack],
) -> Result<Vec<Judgement>, CliError> {
    let requirements: BTreeMap<&str, &Requirement> = packs
        .iter()
        .flat_map(|pack| &pack.requirements)
        .map(|requirement| (requirement.id.as_str(), requirement))
        .collect();
    let indexed: BTreeMap<&str, (&Document, SegmentIndex)> = documents
        .iter()
        .map(|&document| {
            let language = document.language.unwrap_or(Language::EN);
            (
                document.path.as_str(),
                (document, SegmentIndex::new(document, language)),
            )
        })
        .collect();
    let records = Trace::read(trace).map_err(CliError::from_work)?.records;
    let mut found = Vec::new();
    for record in &records {
        let Record::Finding { finding, work } = record else {
            continue;
        };
        let (Some(requirement), Some((document, index))) = (
            finding
                .requirement
                .as_deref()
                .and_then(|id| requirements.get(id)),
            indexed.get(finding.document.as_str()),
        ) else {
            continue;
        };
        let language = document.language.unwrap_or(Language::EN);
        let statement = requirement.statement(language).unwrap_or_default();
        let searched: Ranked = index
            .search(&[statement], document.segments.len())
            .into_iter()
            .map(|(segment, score)| (document.segments[segment].span, score))
            .collect();
        found.push(Judgement {
            document: finding.document.clone(),
            requirement: requirement.id.clone(),
            verdict: finding.verdict,
            choices: choices(work, requirement),
            shown: finding.evidence.iter().map(|piece| piece.span).collect(),
            judged: judged(finding, work, document, &searched),
            searched,
        });
    }
    Ok(found)
}

/// What the model could have said, uncalibrated.
fn choices(work: &Work, requirement: &Requirement) -> Vec<Choice> {
    konform_judge::log_odds(work)
        .into_iter()
        .flatten()
        .map(|(letter, score)| Choice {
            verdict: letter.verdict(requirement.kind),
            score,
            prior: match letter {
                Letter::B => Prior::Denial,
                Letter::C => Prior::Silence,
                _ => Prior::None,
            },
        })
        .collect()
}

/// The segments by how far they bear the requirement: what was read alone by its own log-odds, else
/// the shown evidence before what was read as well; then what only the search found.
fn judged(finding: &Finding, work: &Work, document: &Document, searched: &Ranked) -> Ranked {
    let mut ranked: Ranked = Vec::new();
    let asked = |purpose| {
        work.asked
            .iter()
            .filter(move |asked| asked.purpose == purpose)
    };
    let all_alone = asked(Purpose::Evidence).all(|asked| asked.segments.len() == 1);
    if all_alone {
        for asked in asked(Purpose::Evidence) {
            let silent = asked
                .log_probabilities
                .get("C")
                .copied()
                .unwrap_or_default();
            let bears = 1.0 - silent.exp().min(1.0 - 1e-12);
            for &segment in &asked.segments {
                ranked.push((document.segments[segment].span, bears.ln() - silent));
            }
        }
    } else {
        ranked.extend(finding.evidence.iter().map(|piece| (piece.span, 1.0)));
        ranked.extend(finding.also_read.iter().map(|piece| (piece.span, 0.0)));
    }
    for &(span, score) in searched {
        if ranked.iter().all(|known| known.0 != span) {
            ranked.push((span, UNREAD + score));
        }
    }
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

/// The calibration file that the figures lead to.
fn profile(
    evaluation: &Evaluation,
    set: &LabelledSet,
    settings: &Settings,
    model: konform_terms::Digest,
) -> Option<Profile> {
    let found = evaluation.calibrated.as_ref()?;
    let settings = Settings {
        calibration: Some(calibration(found)),
        threshold: found.threshold,
        ..settings.clone()
    };
    let on = |found: &Calibrated, pack: Option<&str>| Measured {
        set: set.name.clone(),
        digest: set.digest,
        documents: found.documents,
        labels: found.labels,
        accuracy: rounded(found.accuracy),
        most_frequent: evaluation.most_frequent(pack).map(rounded),
        calibration_error: rounded(found.calibration_error),
        decided: rounded(found.decided),
        decided_right: rounded(found.decided_right),
    };
    let mut profile = Profile::new(model, &settings, Some(on(found, None)));
    profile.packs = evaluation
        .calibrated_packs
        .iter()
        .map(|(id, found)| {
            let shifts = found.fit.requirements.iter().map(|(requirement, shift)| {
                let shift = Shift {
                    silence: shift.silence,
                    denial: shift.denial,
                };
                (requirement.clone(), shift)
            });
            let own = OfPack {
                calibration: calibration(found),
                threshold: found.threshold,
                requirements: shifts.collect(),
                fitted_on: Some(on(found, Some(id))),
            };
            (id.clone(), own)
        })
        .collect();
    Some(profile)
}

fn calibration(found: &Calibrated) -> Calibration {
    let fit = found.fit.fit;
    Calibration {
        temperature: fit.temperature,
        silence: fit.silence,
        denial: fit.denial,
    }
}

/// Four digits, which is more than a few hundred labels tell.
fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}
