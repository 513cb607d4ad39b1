//! What a run starts from, found by settings and flags: rules, corpus, index, model.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use konform_corpus::Corpus;
use konform_index::LawIndex;
use konform_judge::{Profile, Reading, Settings as JudgeSettings};
use konform_llm::{Engine, Mode, Model, PrefixCache, Server, ServerSettings, Settings};
use konform_rules::{Loaded, RulesError};
use konform_terms::Digest;

use crate::{
    args::{CorpusArg, InputArgs, JudgeArgs, ModeName, ModelArgs, ReadingName},
    builtin,
    config::Config,
    error::CliError,
};

/// Where imported law is kept if nothing else is said, below the project's folder.
const CORPUS: &str = ".konform/corpus";

/// The name that stands for the server of konform.toml.
const SERVER: &str = "server";

/// How large a prefix cache may be where nothing is said, in MiB.
const PREFIX_CACHE_MIB: u32 = 2048;

/// The width of reports that underline YAML.
const WIDTH: usize = 100;

/// The folder of the corpus: by flag, by konform.toml, else the usual place.
pub(crate) fn corpus_folder(arg: &CorpusArg, config: &Config) -> PathBuf {
    match (&arg.folder, &config.corpus) {
        (Some(folder), _) => folder.clone(),
        (None, Some(folder)) => config.path(folder),
        (None, None) => config.path(Path::new(CORPUS)),
    }
}

/// Loads the corpus, with the built-in digests behind it. A folder that was named has to exist.
pub(crate) fn corpus(arg: &CorpusArg, config: &Config) -> Result<(Corpus, PathBuf), CliError> {
    let folder = corpus_folder(arg, config);
    if arg.folder.is_some() && !folder.is_dir() {
        return Err(CliError::input(format!(
            "the corpus folder {} does not exist",
            folder.display()
        ))
        .hint(format!(
            "`konform corpus add FILE --corpus {}` makes it",
            folder.display()
        )));
    }
    let own = Corpus::load(&folder).map_err(CliError::from_input)?;
    let builtin = Corpus::from_markdown(builtin::CORPORA).map_err(CliError::from_input)?;
    Ok((own.with_fallback(builtin), folder))
}

/// Opens the index of a corpus: beside an imported one, in memory for the built-in digests alone.
pub(crate) fn index(corpus: &Corpus, folder: &Path) -> Result<LawIndex, CliError> {
    let passages = corpus.passages();
    if folder.join("instruments").is_dir() {
        match LawIndex::open_or_build(&folder.join("index"), corpus.digest(), &passages) {
            Ok((index, _)) => return Ok(index),
            // A corpus that may only be read is still searched.
            Err(error) => tracing::warn!("{error}; searching in memory"),
        }
    }
    LawIndex::in_memory(&passages).map_err(CliError::from_input)
}

/// Loads the rule packs that are named: files, folders, or built-in packs; all built-in ones
/// where none is.
pub(crate) fn rules(args: &InputArgs, config: &Config) -> Result<Vec<Loaded>, CliError> {
    let builtin = builtin_rules()?;
    let configured = args.rules.is_empty();
    let named = if configured {
        &config.rules
    } else {
        &args.rules
    };
    if named.is_empty() {
        return Ok(builtin);
    }
    let mut loaded: Vec<Loaded> = Vec::new();
    for name in named {
        let path = if configured {
            config.path(Path::new(name))
        } else {
            PathBuf::from(name)
        };
        let packs = if path.exists() {
            konform_rules::load(&path).map_err(rules_error)?
        } else if let Some(pack) = builtin.iter().find(|loaded| loaded.pack.id == *name) {
            vec![pack.clone()]
        } else {
            let known: Vec<&str> = builtin.iter().map(|l| l.pack.id.as_str()).collect();
            return Err(CliError::input(format!(
                "`{name}` is neither a file or folder nor a built-in rule pack"
            ))
            .hint(format!("built-in packs: {}", known.join(", "))));
        };
        for pack in packs {
            if let Some(first) = loaded.iter().find(|other| other.pack.id == pack.pack.id) {
                return Err(CliError::input(format!(
                    "the pack `{}` is named twice, in {} and in {}",
                    pack.pack.id, first.file, pack.file
                )));
            }
            loaded.push(pack);
        }
    }
    Ok(loaded)
}

/// The built-in rule packs.
pub(crate) fn builtin_rules() -> Result<Vec<Loaded>, CliError> {
    builtin::RULES
        .iter()
        .map(|(name, text)| konform_rules::parse(name, text).map_err(rules_error))
        .collect()
}

/// Shows an error in rules with the place in the YAML.
pub(crate) fn rules_error(error: RulesError) -> CliError {
    match &error {
        RulesError::Yaml { file, .. } => {
            CliError::input(format!("the rule pack {file} has errors"))
                .rendered(error.render(use_colour(), WIDTH))
        }
        _ => CliError::from_input(error),
    }
}

/// Whether standard error is shown in colour.
pub(crate) fn use_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// What answers, and how it is asked.
pub(crate) struct Judge {
    pub(crate) engine: Box<dyn Engine>,
    /// The model as it was named: a file, or `builtin`.
    pub(crate) name: String,
    pub(crate) settings: JudgeSettings,
    /// How the model did on labelled data, if its calibration is in force.
    pub(crate) profile: Option<Profile>,
}

/// Makes what answers ready: by flag, by konform.toml, else the built-in model.
pub(crate) fn judge(
    model: &ModelArgs,
    judging: &JudgeArgs,
    config: &Config,
) -> Result<Judge, CliError> {
    let name = model.model.clone().or_else(|| config.model.clone());
    let name = name.unwrap_or_else(|| builtin::MODEL_NAME.to_owned());
    if name == builtin::MODEL_NAME && (judging.commentary || config.commentary) {
        return Err(
            CliError::input("the built-in model has no words of its own")
                .hint("it learnt to judge, not to write: `--commentary` needs another `--model`"),
        );
    }
    let engine: Box<dyn Engine> = if name == SERVER {
        Box::new(server(config)?)
    } else {
        in_process(&name, model, config)?
    };
    let digest = engine.identity().digest;
    let (settings, profile) = judge_settings(judging, config, &name, digest)?;
    Ok(Judge {
        engine,
        name,
        settings,
        profile,
    })
}

/// Connects to the server that konform.toml names.
fn server(config: &Config) -> Result<Server, CliError> {
    let Some(known) = &config.server else {
        return Err(CliError::input("konform.toml names no server").hint(
            "documents are sent only to an address that stands there: add a section [server] with \
             an `address`; `konform init` writes a file that explains it",
        ));
    };
    let mut settings = ServerSettings::new(known.address.clone());
    settings.model.clone_from(&known.model);
    if let Some(variable) = &known.key_variable {
        #[expect(clippy::disallowed_methods, reason = "this is the command line")]
        let key = std::env::var(variable).map_err(|_| {
            CliError::input(format!("the environment has no key in {variable}"))
                .hint("konform.toml says (`key-variable`) that the server's key stands there")
        })?;
        settings.key = Some(key);
    }
    if let Some(context) = known.context {
        settings.context = context;
    }
    if let Some(concurrency) = known.concurrency {
        settings.concurrency = concurrency;
    }
    if let Some(seconds) = known.timeout_seconds {
        settings.timeout = Duration::from_secs(seconds);
    }
    Server::connect(&settings).map_err(CliError::from_input)
}

/// Loads a model into this process.
fn in_process(name: &str, model: &ModelArgs, config: &Config) -> Result<Box<dyn Engine>, CliError> {
    let folder = match (&model.prefix_cache, &config.prefix_cache) {
        (Some(folder), _) => Some(folder.clone()),
        (None, Some(folder)) => Some(config.path(folder)),
        (None, None) => None,
    };
    let size = config.prefix_cache_size.unwrap_or(PREFIX_CACHE_MIB);
    let settings = Settings {
        threads: model.threads.or(config.threads),
        mode: match model.mode.or(config.mode) {
            None | Some(ModeName::Replayable) => Mode::Replayable,
            Some(ModeName::Throughput) => Mode::Throughput,
        },
        prefix_cache: folder.map(|folder| PrefixCache {
            folder,
            bytes: u64::from(size) << 20,
        }),
        ..Settings::default()
    };
    // One model in a process, for as long as that runs.
    let model: &'static Model = Box::leak(Box::new(load(name, &settings)?));
    let engine = model.engine(&settings).map_err(CliError::from_input)?;
    Ok(Box::new(engine))
}

/// Loads a model: a GGUF file, or the built-in one.
fn load(name: &str, settings: &Settings) -> Result<Model, CliError> {
    if name != builtin::MODEL_NAME {
        return Model::load(Path::new(name), settings).map_err(|error| {
            CliError::from_input(error).hint(
                "`konform model info FILE` tells what a file is; `--model builtin` needs none",
            )
        });
    }
    // llama.cpp reads files. The name is gone when the model is loaded; its pages stay.
    let file = tempfile::Builder::new()
        .prefix("konform-")
        .suffix(".gguf")
        .tempfile()
        .and_then(|mut file| std::io::Write::write_all(&mut file, builtin::MODEL).map(|()| file))
        .map_err(|error| {
            CliError::input("the built-in model cannot be unpacked")
                .because(error)
                .hint("it needs some MiB in the folder for temporary files (TMPDIR)")
        })?;
    Model::load(file.path(), settings).map_err(CliError::from_input)
}

/// How a model is asked: as its profile says, with what flags and konform.toml set otherwise.
///
/// What a flag changes about how evidence is read makes the profile's calibration void, for it was
/// found with the other reading. What comes beside the settings is the profile whose calibration is in
/// force.
fn judge_settings(
    args: &JudgeArgs,
    config: &Config,
    model: &str,
    digest: Digest,
) -> Result<(JudgeSettings, Option<Profile>), CliError> {
    let named = args
        .calibration
        .clone()
        .map(PathBuf::from)
        .or_else(|| config.calibration.as_ref().map(|file| config.path(file)));
    let beside = || PathBuf::from(format!("{model}.calibration.json"));
    let profile = match named {
        Some(name) if name.as_os_str() == "none" => None,
        Some(file) => Some(profile(&file, digest)?),
        None if model == builtin::MODEL_NAME => {
            Some(Profile::read(builtin::PROFILE, digest).map_err(CliError::from_input)?)
        }
        None if beside().is_file() => Some(profile(&beside(), digest)?),
        None => None,
    };
    let known = profile.as_ref().map(Profile::settings).unwrap_or_default();
    let mut settings = known.clone();
    if let Some(reading) = args.reading {
        settings.reading = match reading {
            ReadingName::Together => Reading::Together,
            ReadingName::Each => Reading::Each,
        };
    }
    if let Some(count) = args.max_evidence {
        settings.max_evidence = count.into();
    }
    if let Some(count) = args.max_passages {
        settings.max_passages = count.into();
    }
    if let Some(balanced) = args.balanced {
        settings.balanced = balanced;
    }
    if settings != known {
        settings.calibration = None;
        settings.packs.clear();
    }
    settings.commentary = args.commentary || config.commentary;
    if let Some(threshold) = args.threshold.or(config.threshold) {
        settings.decide_from(threshold);
    }
    let profile = profile.filter(|_| settings.calibration.is_some());
    Ok((settings, profile))
}

fn profile(file: &Path, model: Digest) -> Result<Profile, CliError> {
    let json = std::fs::read_to_string(file).map_err(|error| {
        CliError::input(format!("the calibration {} cannot be read", file.display())).because(error)
    })?;
    Profile::read(&json, model).map_err(|error| {
        let help = error.help();
        CliError::input(format!("the calibration {} cannot be used", file.display()))
            .because(error)
            .hint(format!("{help}; `--calibration none` goes without one"))
    })
}

/// The digest of the built-in model.
pub(crate) fn builtin_digest() -> Digest {
    Digest::of(builtin::MODEL)
}
