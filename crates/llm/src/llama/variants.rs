//! Which of llama.cpp's processor backends this process uses.
//!
//! A build has the one that llama-cpp-sys-2 compiled, and on x86-64 Linux those for AVX-512 and AMX
//! that the build script adds. The best that the machine can run is used, or the one that was asked
//! for; AMX only where it is asked for, as its code was run under an emulator alone so far. The choice is made once: weights are laid out for a backend when they are loaded.

use std::sync::OnceLock;

use crate::engine::LlmError;

/// The names of all variants that there can be.
const NAMES: [&str; 3] = ["avx2", "avx512", "amx"];
/// What was chosen; nothing where there is no choice.
static CHOSEN: OnceLock<Option<&'static Variant>> = OnceLock::new();

/// A backend of this build.
struct Variant {
    name: &'static str,
    /// Whether it is taken unasked: only what was seen to run on real processors.
    unasked: bool,
    /// Whether this machine can run it.
    runs: fn() -> bool,
    /// Has llama.cpp use it.
    enter: fn(),
}

/// The variants of this build, the best first; none where a build is for one processor alone.
const VARIANTS: &[Variant] = &[
    #[cfg(variant = "amx")]
    Variant {
        name: "amx",
        unasked: false,
        runs: || has_avx512() && super::system::has_tiles() && super::system::may_use_tiles(),
        enter: super::system::use_amx,
    },
    #[cfg(variant = "avx512")]
    Variant {
        name: "avx512",
        unasked: true,
        runs: has_avx512,
        enter: super::system::use_avx512,
    },
    #[cfg(variant = "avx2")]
    Variant {
        name: "avx2",
        unasked: true,
        runs: has_avx2,
        enter: || {},
    },
];

#[cfg(variant = "avx2")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("bmi2")
}

/// Whether the processor has what build.rs compiles this variant for.
#[cfg(variant = "avx512")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

/// Has this process use one of llama.cpp's processor backends in place of the best one: `avx2`,
/// `avx512` or `amx`. The bits of scores depend on it, so a run that was recorded on another machine
/// repeats only with what that machine used ([`Identity`](crate::Identity) names the features).
///
/// # Errors
/// If there is no such backend, in this build or for this machine, or another is in use already.
pub fn use_processor(name: &str) -> Result<(), LlmError> {
    let refused = |reason| LlmError::Engine {
        task: "choose a processor backend",
        reason,
    };
    let wanted = pick(VARIANTS, name).map_err(refused)?;
    match CHOSEN.get_or_init(|| Some(wanted)) {
        Some(chosen) if chosen.name == name => Ok(()),
        _ => Err(refused(format!(
            "{name} comes too late, as this process uses another; ask before a model is loaded"
        ))),
    }
}

/// Has llama.cpp use what was chosen, or the best; called once and before llama.cpp is used.
pub(super) fn enter() -> Result<(), String> {
    let chosen = match CHOSEN.get() {
        Some(chosen) => *chosen,
        None => {
            let best = best(VARIANTS)?;
            *CHOSEN.get_or_init(|| best)
        }
    };
    if let Some(variant) = chosen {
        tracing::debug!(variant = variant.name, "processor backend");
        (variant.enter)();
    }
    Ok(())
}

/// The best variant that runs and is taken unasked; nothing where there is no choice.
fn best(variants: &[Variant]) -> Result<Option<&Variant>, String> {
    let mut unasked = variants.iter().filter(|variant| variant.unasked);
    match (unasked.find(|variant| (variant.runs)()), variants) {
        (None, [.., least]) => Err(format!(
            "this machine lacks what this build needs at least ({})",
            least.name
        )),
        (best, _) => Ok(best),
    }
}

/// The variant with a name, if it runs.
fn pick<'v>(variants: &'v [Variant], name: &str) -> Result<&'v Variant, String> {
    if !NAMES.contains(&name) {
        return Err(format!("\"{name}\" is none of {}", NAMES.join(", ")));
    }
    let lacking = match variants.iter().find(|variant| variant.name == name) {
        Some(variant) if (variant.runs)() => return Ok(variant),
        Some(_) => "machine",
        None => "build",
    };
    let others = variants.iter().filter(|variant| (variant.runs)());
    let others: Vec<_> = others.map(|variant| variant.name).collect();
    let others = match &others[..] {
        [] => "ask for none".to_owned(),
        others => format!("ask for none, or for one of: {}", others.join(", ")),
    };
    Err(format!("this {lacking} does not have {name}; {others}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn variant(name: &'static str, runs: fn() -> bool) -> Variant {
        let enter = || {};
        Variant {
            name,
            unasked: true,
            runs,
            enter,
        }
    }

    /// A build without one variant, on a machine without another.
    const SOME: [Variant; 2] = [variant("amx", || false), variant("avx2", || true)];

    #[test]
    fn the_best_that_runs_is_taken_unless_another_is_asked_for() {
        let name = |variant: Option<&Variant>| variant.map(|variant| variant.name);
        assert_eq!(best(&SOME).map(name), Ok(Some("avx2")));
        assert_eq!(best(&[]).map(name), Ok(None));
        let mut unproven = [variant("amx", || true), variant("avx2", || true)];
        unproven[0].unasked = false;
        assert_eq!(best(&unproven).map(name), Ok(Some("avx2")));
        assert_eq!(pick(&unproven, "amx").map(|one| one.name), Ok("amx"));
        assert!(best(&SOME[..1]).map(name).unwrap_err().contains("(amx)"));
        let all = ["amx", "avx512", "avx2"].map(|name| variant(name, || true));
        assert_eq!(best(&all).map(name), Ok(Some("amx")));
        for name in NAMES {
            assert_eq!(pick(&all, name).unwrap_or(&SOME[0]).name, name);
        }
    }

    #[test]
    fn what_cannot_be_had_is_told() {
        let reason = |variants, name| pick(variants, name).map(|found| found.name).unwrap_err();
        assert_eq!(
            reason(&SOME[..], "amx"),
            "this machine does not have amx; ask for none, or for one of: avx2"
        );
        assert_eq!(
            reason(&SOME[..1], "avx512"),
            "this build does not have avx512; ask for none"
        );
        assert_eq!(
            reason(&SOME[..], "AVX2"),
            "\"AVX2\" is none of avx2, avx512, amx"
        );
    }
}
