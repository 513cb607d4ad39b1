//! The states of prompts' shared blocks, in memory and on disk, so that a block that many prompts
//! share is evaluated once.
//!
//! A state is the cache of keys and values as llama.cpp writes it. On disk it stands in two files
//! named by the digest of what it depends on (the engine's identity and the tokens): `KEY.state`,
//! and `KEY.sha256` with the digest of the former. What does not fit its digest is not handed to
//! llama.cpp. The files that were used least lately go once all together are larger than the bound.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use konform_terms::Digest;
use llama_cpp_2::{
    context::{
        LlamaContext,
        session::{LlamaStateSeqFlags, SeqState},
    },
    token::LlamaToken,
};

use super::SEQUENCE;
use crate::{engine::Identity, gguf};

/// What states in memory may take together.
const MEMORY: usize = 256 << 20;

/// Where states are kept between runs, and how large the files may be together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixCache {
    /// The folder; it is made where it does not exist.
    pub folder: PathBuf,
    /// The bound, in bytes.
    pub bytes: u64,
}

/// States that were saved, most lately used last.
pub(super) struct Prefixes {
    identity: Digest,
    kept: VecDeque<Kept>,
    disk: Option<PrefixCache>,
}

struct Kept {
    tokens: Vec<LlamaToken>,
    state: SeqState,
}

impl Prefixes {
    pub(super) fn new(identity: &Identity, disk: Option<PrefixCache>) -> Self {
        Self {
            identity: Digest::of_json(identity),
            kept: VecDeque::new(),
            disk,
        }
    }

    /// Brings the state of `tokens` into the context instead of what it holds, if it is known: `None`
    /// where it is not, and the context is as it was; false where it failed, and the context is
    /// empty.
    pub(super) fn restore(
        &mut self,
        context: &mut LlamaContext<'_>,
        tokens: &[LlamaToken],
    ) -> Option<bool> {
        if let Some(at) = self.kept.iter().position(|kept| kept.tokens == tokens)
            && let Some(kept) = self.kept.remove(at)
        {
            context.clear_kv_cache();
            let restored = context.state_seq_set(&kept.state, SEQUENCE_ID).is_ok();
            if restored {
                self.kept.push_back(kept);
            } else {
                context.clear_kv_cache();
            }
            return Some(restored);
        }
        let disk = self.disk.as_ref()?;
        let file = disk.folder.join(self.name(tokens));
        if !is_whole(&file) {
            return None;
        }
        context.clear_kv_cache();
        let restored = context
            .state_seq_load_file(&file, SEQUENCE_ID, tokens.len())
            .is_ok_and(|(of, _)| of == tokens);
        if restored {
            touch(&file);
            self.remember(context, tokens);
        } else {
            context.clear_kv_cache();
        }
        Some(restored)
    }

    /// Keeps the state of a context that holds `tokens` and nothing else.
    pub(super) fn save(&mut self, context: &LlamaContext<'_>, tokens: &[LlamaToken]) {
        self.remember(context, tokens);
        let Some(disk) = &self.disk else {
            return;
        };
        let file = disk.folder.join(self.name(tokens));
        if let Err(error) = write(context, tokens, &file).and_then(|()| make_room(disk, &file)) {
            // A cache that cannot be written costs time and nothing else.
            tracing::warn!("the prefix cache {}: {error}", disk.folder.display());
            self.disk = None;
        }
    }

    fn remember(&mut self, context: &LlamaContext<'_>, tokens: &[LlamaToken]) {
        let size = context.state_seq_get_size_ext(SEQUENCE_ID, LlamaStateSeqFlags::empty());
        if size > MEMORY / 2 {
            return;
        }
        // States of a run are about equally large, so this one's size stands for all.
        while (self.kept.len() + 1) * size > MEMORY {
            self.kept.pop_front();
        }
        if let Ok(state) = context.state_seq_get(SEQUENCE_ID, LlamaStateSeqFlags::empty()) {
            self.kept.push_back(Kept {
                tokens: tokens.to_vec(),
                state,
            });
        }
    }

    fn name(&self, tokens: &[LlamaToken]) -> String {
        let tokens: Vec<i32> = tokens.iter().map(|token| token.0).collect();
        let key = Digest::of_json(&(self.identity, tokens)).to_string();
        let key = key.split_once(':').map_or(key.as_str(), |(_, hex)| hex);
        format!("{key}.state")
    }
}

/// The one sequence, as the functions for states want it.
const SEQUENCE_ID: i32 = SEQUENCE.cast_signed();

/// Marks a file as used now, so that it is kept longest. A folder that may only be read serves as
/// well.
fn touch(file: &Path) {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is removed first depends on the clock, and no result does"
    )]
    let now = fs::FileTimes::new().set_modified(SystemTime::now());
    let file = fs::File::options().append(true).open(file);
    let _ = file.and_then(|file| file.set_times(now));
}

fn seal(file: &Path) -> PathBuf {
    file.with_extension("sha256")
}

/// Whether a file is what was written, byte for byte.
fn is_whole(file: &Path) -> bool {
    let Ok(sealed) = fs::read_to_string(seal(file)) else {
        return false;
    };
    let whole = gguf::digest_file(file).is_ok_and(|digest| digest.to_string() == sealed.trim());
    if !whole {
        tracing::warn!("{}: not what was written; it is set aside", file.display());
        let _ = fs::remove_file(file);
        let _ = fs::remove_file(seal(file));
    }
    whole
}

/// Writes under another name first, so that nobody meets half a file.
fn write(context: &LlamaContext<'_>, tokens: &[LlamaToken], file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = file.with_extension(format!("{}.part", std::process::id()));
    context
        .state_seq_save_file(&part, SEQUENCE_ID, tokens)
        .map_err(io::Error::other)?;
    let digest = gguf::digest_file(&part).map_err(io::Error::other)?;
    fs::rename(&part, file)?;
    fs::write(seal(file), format!("{digest}\n"))
}

/// Removes what was used least lately until the bound is kept; never the file just written.
fn make_room(disk: &PrefixCache, newest: &Path) -> io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(&disk.folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "state")
            && let Ok(data) = path.metadata()
        {
            files.push((data.modified()?, data.len(), path));
        }
    }
    files.sort();
    let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, own, path) in files {
        if size <= disk.bytes {
            break;
        }
        if path != newest {
            fs::remove_file(&path)?;
            let _ = fs::remove_file(seal(&path));
            size -= own;
        }
    }
    Ok(())
}
