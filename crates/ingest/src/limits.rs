use std::time::Duration;

/// How much one file may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// The most that a packed part of a file may unfold to, in bytes.
    pub unpacked_bytes: u64,
    /// The memory of a worker process, in bytes of address space.
    pub memory_bytes: u64,
    /// The time that reading one file may take.
    pub time: Duration,
    /// The deepest nesting of HTML elements.
    pub html_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 200 << 20,
            unpacked_bytes: 128 << 20,
            memory_bytes: 2 << 30,
            time: Duration::from_secs(60),
            html_depth: 1_000,
        }
    }
}

/// Writes a number of bytes for people: `200 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}
