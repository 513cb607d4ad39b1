//! How much memory a model takes, and how much there is.

use std::{fs, path::Path};

use crate::{engine::LlmError, gguf::Header};

/// What a context may take where the system does not tell what is free.
const CONTEXT_WHERE_UNKNOWN: u64 = 4 << 30;

/// Weighs weights (where they are not loaded yet) and context against what is free.
pub(super) fn check(
    path: &Path,
    header: &Header,
    loaded: bool,
    context: u32,
    ubatch: u32,
) -> Result<(), LlmError> {
    let weights = if loaded { 0 } else { header.expected_size };
    // llama.cpp rounds the context up to a multiple of 256.
    let cells = u64::from(context).next_multiple_of(256);
    let cache = header
        .cache_bytes()
        .saturating_mul(cells)
        .saturating_add(header.compute_bytes(ubatch));
    let free = available_bytes().unwrap_or(weights.saturating_add(CONTEXT_WHERE_UNKNOWN));
    if weights.saturating_add(cache) > free {
        return Err(LlmError::Memory {
            path: path.to_owned(),
            weights,
            cache,
            context,
            free,
        });
    }
    Ok(())
}

/// What this process may still take: what the machine has, or what its control group leaves it.
fn available_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = in_meminfo(&text)?;
    Some(in_group(Path::new("/sys/fs/cgroup")).map_or(machine, |group| machine.min(group)))
}

fn in_meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The limit of a container, less what is taken and cannot be dropped.
fn in_group(folder: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let taken: u64 = read("memory.current")?.trim().parse().ok()?;
    let files: u64 = read("memory.stat")?
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "))?
        .parse()
        .ok()?;
    Some(limit.saturating_sub(taken.saturating_sub(files)))
}

/// The cores of this machine that this process may use, counting the threads of one as one.
pub(super) fn physical_cores() -> usize {
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    let mut cores = std::collections::BTreeSet::new();
    for cpu in 0..usable {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let Ok(siblings) = fs::read_to_string(path) else {
            return usable;
        };
        cores.insert(siblings);
    }
    cores.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read_from_meminfo() {
        let text = "MemTotal:  16384 kB\nMemFree:  1 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(in_meminfo(text), Some(2 << 20));
        assert_eq!(in_meminfo("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_container_leaves_its_limit_less_what_cannot_be_dropped() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(in_group(folder.path()), None);
        fs::write(folder.path().join("memory.current"), "700\n").unwrap();
        fs::write(
            folder.path().join("memory.stat"),
            "anon 1\ninactive_file 200\n",
        )
        .unwrap();
        fs::write(folder.path().join("memory.max"), "max\n").unwrap();
        assert_eq!(in_group(folder.path()), None);
        fs::write(folder.path().join("memory.max"), "1000\n").unwrap();
        assert_eq!(in_group(folder.path()), Some(500));
    }
}
