use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstream::println;
use konform_llm::{
    gguf::{Header, digest_file},
    pull::{self, Lock},
};

use crate::{
    Outcome, args::ModelCommand, builtin, config::Config, error::CliError, inputs, progress,
};

/// The file that pins models, beside konform.toml.
const LOCK: &str = "konform.lock";

pub(crate) fn run(command: ModelCommand) -> Outcome {
    match command {
        ModelCommand::List => {
            println!(
                "{:<34} in the program, {} MiB, {}",
                builtin::MODEL_NAME,
                builtin::MODEL.len() >> 20,
                inputs::builtin_digest().short()
            );
            for entry in pull::manifest() {
                println!("{:<34} {}", entry.name, entry.about);
                println!("{:<34}   {}/{}", "", entry.repository, entry.file);
            }
            Ok(ExitCode::SUCCESS)
        }
        ModelCommand::Info { model } => {
            if model == builtin::MODEL_NAME {
                let file = tempfile::NamedTempFile::new().map_err(CliError::from_input)?;
                fs::write(file.path(), builtin::MODEL).map_err(CliError::from_input)?;
                info("built-in", file.path())
            } else {
                info(&model, Path::new(&model))
            }
        }
        ModelCommand::Pull { name, into, hub } => fetch(&name, into, hub),
    }
}

fn info(shown: &str, path: &Path) -> Outcome {
    let header = Header::read(path).map_err(CliError::from_input)?;
    let digest = digest_file(path).map_err(CliError::from_input)?;
    let rows: [(&str, String); 11] = [
        ("model", shown.to_owned()),
        ("name", header.name.clone().unwrap_or_default()),
        ("architecture", header.architecture.clone()),
        ("parameters", header.parameters.to_string()),
        ("weights", header.weights.clone()),
        ("layers", header.shape.layers.to_string()),
        ("width", header.shape.width.to_string()),
        (
            "heads",
            format!(
                "{} ({} of keys and values)",
                header.shape.heads, header.shape.kv_heads
            ),
        ),
        ("vocabulary", header.shape.vocabulary.to_string()),
        (
            "context",
            format!(
                "{} tokens, {} bytes of cache each",
                header.shape.context,
                header.cache_bytes()
            ),
        ),
        ("file", format!("{} bytes, {digest}", header.size)),
    ];
    for (name, value) in rows {
        println!("{name:<14}{value}");
    }
    for (key, value) in header
        .metadata
        .iter()
        .filter(|(key, _)| key.starts_with("konform."))
    {
        println!("{:<14}{value}", key.trim_start_matches("konform."));
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch(name: &str, into: Option<PathBuf>, hub: Option<String>) -> Outcome {
    let manifest = pull::manifest();
    let entry = manifest
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| {
            CliError::input(format!("there is no model `{name}`"))
                .hint("`konform model list` names those that can be fetched")
        })?;
    let folder = match into {
        Some(folder) => folder,
        None => directories::ProjectDirs::from("", "", "konform")
            .map(|folders| folders.data_dir().join("models"))
            .ok_or_else(|| {
                CliError::input("there is no home folder").hint("name a folder with --into")
            })?,
    };
    let lock_path = Config::find()?.path(Path::new(LOCK));
    let mut lock = Lock::read(&lock_path).map_err(CliError::from_input)?;
    let bar = progress::bytes_bar(false);
    let hub = hub.as_deref().unwrap_or(pull::HUB);
    let (path, pinned) = pull::pull(hub, entry, &folder, lock.model.get(name), |there, all| {
        bar.set_length(all);
        bar.set_position(there);
    })
    .map_err(CliError::from_work)?;
    bar.finish_and_clear();
    lock.model.insert(name.to_owned(), pinned.clone());
    lock.write(&lock_path).map_err(CliError::from_work)?;
    println!("{}", path.display());
    println!(
        "{} bytes, {}, pinned in {}",
        pinned.size,
        pinned.digest,
        lock_path.display()
    );
    println!("konform check PATH --model {}", path.display());
    Ok(ExitCode::SUCCESS)
}
