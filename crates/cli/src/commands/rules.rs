use std::process::ExitCode;

use anstream::{eprintln, println};
use anstyle::Style;
use konform_terms::{Kind, Language, Localized, Pack, Requirement, Severity};

use crate::{
    Outcome,
    args::RulesCommand,
    config::Config,
    error::CliError,
    inputs,
    run::{Inputs, passages_of},
};

pub(crate) fn run(command: RulesCommand) -> Outcome {
    let config = Config::find()?;
    match command {
        RulesCommand::List { inputs: given } => {
            let bold = Style::new().bold();
            for loaded in inputs::rules(&given, &config)? {
                let pack = loaded.pack;
                let languages: Vec<String> = pack.title.keys().map(ToString::to_string).collect();
                println!(
                    "{bold}{}{bold:#} {}  {}  ({} requirements, {})",
                    pack.id,
                    pack.version,
                    pick(&pack.title, Language::EN),
                    pack.requirements.len(),
                    languages.join(" ")
                );
                for requirement in &pack.requirements {
                    println!(
                        "  {:<48} {:<8} {:<8} {}",
                        requirement.id,
                        kind(requirement.kind),
                        severity(requirement.severity),
                        pick(&requirement.title, Language::EN)
                    );
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        RulesCommand::Lint { paths, corpus } => {
            let (corpus, _) = inputs::corpus(&corpus, &config)?;
            let mut errors = 0;
            for path in &paths {
                match konform_rules::load(path) {
                    Ok(packs) => {
                        for loaded in packs {
                            if !loaded.warnings.is_empty() {
                                eprintln!("{}", loaded.render_warnings(inputs::use_colour(), 100));
                            }
                            for missing in missing_provisions(&loaded.pack, &corpus) {
                                eprintln!("{}: note: {missing}", loaded.file);
                            }
                            println!(
                                "{}: {} requirements, {} warnings",
                                loaded.file,
                                loaded.pack.requirements.len(),
                                loaded.warnings.len()
                            );
                        }
                    }
                    Err(error) => {
                        errors += 1;
                        inputs::rules_error(error).print();
                    }
                }
            }
            Ok(if errors > 0 {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
        RulesCommand::Show {
            requirement,
            language,
            inputs: given,
        } => {
            let loaded = inputs::rules(&given, &config)?;
            let (corpus, folder) = inputs::corpus(&given.corpus, &config)?;
            let index = inputs::index(&corpus, &folder)?;
            let settings = konform_judge::Settings::default();
            let packs: Vec<Pack> = loaded.into_iter().map(|loaded| loaded.pack).collect();
            let from = Inputs {
                packs: &packs,
                corpus: &corpus,
                index: &index,
                settings: &settings,
                language,
                only: None,
            };
            let mut shown = 0;
            for pack in &packs {
                for one in &pack.requirements {
                    if one.id == requirement || pack.id == requirement {
                        show(&from, pack, one, language)?;
                        shown += 1;
                    }
                }
            }
            if shown == 0 {
                return Err(CliError::input(format!(
                    "there is no pack or requirement `{requirement}`"
                ))
                .hint("`konform rules list` names them"));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn missing_provisions(pack: &Pack, corpus: &konform_corpus::Corpus) -> Vec<String> {
    let known = |pin: &konform_terms::ProvisionRef| {
        corpus.texts().iter().any(|text| {
            text.instrument.id == pin.instrument && text.provision(&pin.address).is_some()
        })
    };
    pack.requirements
        .iter()
        .flat_map(|one| one.provisions.iter().map(move |pin| (one, pin)))
        .filter(|(_, pin)| !known(pin))
        .map(|(one, pin)| {
            format!(
                "{}: the corpus has no {}/{}",
                one.id, pin.instrument, pin.address
            )
        })
        .collect()
}

fn show(
    from: &Inputs<'_>,
    pack: &Pack,
    one: &Requirement,
    language: Language,
) -> Result<(), CliError> {
    let bold = Style::new().bold();
    println!("{bold}{}{bold:#}  {}", one.id, pick(&one.title, language));
    println!("  {} {}", kind(one.kind), severity(one.severity));
    println!("  statement  {}", pick(&one.statement, language));
    for cited in passages_of(from, pack, one, language)? {
        let passage = cited.passage;
        println!(
            "  law        {} {} ({:?}): {}",
            passage.label, passage.short_title, passage.nature, passage.text
        );
    }
    for query in one.queries.get(&language).into_iter().flatten() {
        println!("  query      {query}");
    }
    for check in &one.checks {
        let verdict = |verdict: Option<konform_terms::Verdict>| {
            verdict.map_or("go on", konform_terms::Verdict::word)
        };
        println!(
            "  check      holds: {}, fails: {}, absent: {}",
            verdict(check.holds),
            verdict(check.fails),
            verdict(check.absent)
        );
    }
    println!();
    Ok(())
}

fn pick(texts: &Localized, language: Language) -> &str {
    texts
        .get(&language)
        .or_else(|| texts.get(&Language::EN))
        .or_else(|| texts.values().next())
        .map_or("", String::as_str)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Must => "must",
        Kind::MustNot => "must-not",
        Kind::Should => "should",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
