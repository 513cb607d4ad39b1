use std::process::ExitCode;

use anstream::println;
use anstyle::Style;
use konform_corpus::Corpus;
use konform_terms::{Address, InstrumentId, Nature};

use crate::{Outcome, args::CorpusCommand, config::Config, error::CliError, inputs};

pub(crate) fn run(command: CorpusCommand) -> Outcome {
    let config = Config::find()?;
    match command {
        CorpusCommand::Add { files, corpus } => {
            let folder = inputs::corpus_folder(&corpus, &config);
            let mut failed = false;
            for file in &files {
                match Corpus::add(&folder, file) {
                    Ok(added) => {
                        let own = &added.text.instrument;
                        println!(
                            "{} {} ({}), {}, version {}: {} provisions into {}",
                            if added.replaced { "replaced" } else { "added" },
                            own.short_title,
                            own.id,
                            own.language,
                            own.version,
                            added.text.provisions.len(),
                            folder.display()
                        );
                        for warning in &added.warnings {
                            println!("  note: {warning}");
                        }
                    }
                    Err(error) => {
                        CliError::from_input(error).print();
                        failed = true;
                    }
                }
            }
            Ok(if failed {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            })
        }
        CorpusCommand::List { corpus } => {
            let (corpus, folder) = inputs::corpus(&corpus, &config)?;
            for text in corpus.texts() {
                let own = &text.instrument;
                let nature = match own.nature {
                    Nature::Official => "official text",
                    Nature::Paraphrase => "paraphrase",
                };
                println!(
                    "{}  {}  {}  {:<8} {:>5} provisions  {nature}  {}",
                    own.id,
                    own.language,
                    own.version,
                    own.short_title,
                    text.provisions.len(),
                    text.digest().short()
                );
            }
            println!("corpus {} (folder {})", corpus.digest(), folder.display());
            Ok(ExitCode::SUCCESS)
        }
        CorpusCommand::Show {
            provision,
            language,
            corpus,
        } => {
            let (corpus, _) = inputs::corpus(&corpus, &config)?;
            let (id, address) = provision.split_once('/').unwrap_or((&provision, ""));
            let by_name = corpus.texts().iter().find(|text| {
                let own = &text.instrument;
                own.language == language && own.short_title.eq_ignore_ascii_case(id)
            });
            let text = corpus
                .text(&InstrumentId::from(id), language)
                .or(by_name)
                .ok_or_else(|| {
                    CliError::input(format!("the corpus has no `{id}` in `{language}`"))
                        .hint("`konform corpus list` names what there is")
                })?;
            let wanted = Address::from(address);
            let below: Vec<_> = text
                .provisions
                .iter()
                .filter(|one| {
                    if address.is_empty() {
                        !one.heading.is_empty()
                    } else {
                        wanted.contains(&one.address)
                    }
                })
                .collect();
            if below.is_empty() {
                return Err(
                    CliError::input(format!("{id} has no provision `{address}`"))
                        .hint(format!("`konform corpus show {id}` prints the outline")),
                );
            }
            if text.instrument.nature == Nature::Paraphrase {
                println!("(a paraphrase in konform's own words, not the official text)");
            }
            let bold = Style::new().bold();
            for one in below {
                println!(
                    "{bold}{}{bold:#}  {}  [{}]",
                    one.label, one.heading, one.address
                );
                if !address.is_empty() && !one.text.is_empty() {
                    println!("    {}", one.text);
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        CorpusCommand::Search {
            words,
            language,
            limit,
            corpus,
        } => {
            let (corpus, folder) = inputs::corpus(&corpus, &config)?;
            let index = inputs::index(&corpus, &folder)?;
            let hits = index
                .search(&words.join(" "), language, None, limit)
                .map_err(CliError::from_input)?;
            if hits.is_empty() {
                println!("nothing found in `{language}`");
            }
            let passages = corpus.passages();
            let (bold, hit_style) = (Style::new().bold(), Style::new().bold().underline());
            for hit in hits {
                let Some(passage) = passages.iter().find(|p| p.id == hit.passage) else {
                    continue;
                };
                println!(
                    "{bold}{} {}{bold:#}  {:.2}  {}",
                    passage.label, passage.short_title, hit.score, passage.id
                );
                let snippet: String = hit
                    .snippet
                    .iter()
                    .map(|piece| match piece.hit {
                        true => format!("{hit_style}{}{hit_style:#}", piece.text),
                        false => piece.text.clone(),
                    })
                    .collect();
                println!("    {snippet}");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
