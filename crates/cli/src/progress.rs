//! Progress bars on standard error, where it is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{prefix:>10} [{bar:30}] {human_pos}/{human_len} {msg} {eta_precise} left";

/// A bar over a number of steps; nothing is shown if `quiet`, or if standard error is no terminal.
pub(crate) fn bar(what: &'static str, steps: usize, quiet: bool) -> ProgressBar {
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(steps as u64)
    };
    let style = ProgressStyle::with_template(TEMPLATE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    bar.set_style(style);
    bar.set_prefix(what);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

/// A bar over bytes.
pub(crate) fn bytes_bar(quiet: bool) -> ProgressBar {
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(0)
    };
    let template =
        "{prefix:>10} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta_precise} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix("Fetching");
    bar
}
