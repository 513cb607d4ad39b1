//! The one call that llama-cpp-2 does not wrap.
#![allow(
    unsafe_code,
    reason = "the processor features that the bits depend on can be asked in no other way"
)]

use std::{ffi::CStr, sync::OnceLock};

/// The backends and processor features that llama.cpp uses: `CPU: AVX AVX2 F16C FMA …`.
pub(super) fn processor() -> &'static str {
    static INFO: OnceLock<String> = OnceLock::new();
    INFO.get_or_init(|| {
        // SAFETY: the function takes nothing and gives a text that ends with a null byte and lives
        // until the next call. There is no next call: this runs once in a process, and nothing
        // else in this crate calls it.
        let text = unsafe {
            let text = llama_cpp_sys_2::llama_print_system_info();
            if text.is_null() {
                return "unknown".to_owned();
            }
            CStr::from_ptr(text)
        };
        tidy(&text.to_string_lossy())
    })
}

/// Leaves the names of what is switched on.
fn tidy(info: &str) -> String {
    let words = info.split('|').filter_map(|feature| {
        let (name, value) = feature.split_once('=')?;
        // The name of a backend stands before its first feature.
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.replace(" : ", ": ");
        match value.trim() {
            "0" => name
                .rsplit_once(": ")
                .map(|(backend, _)| format!("{backend}:")),
            "1" => Some(name),
            value => Some(format!("{name}={value}")),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_on_is_named() {
        let info = "CPU : SSE3 = 1 | AVX = 1 | AVX512 = 0 | SVE_CNT = 2 | CUDA : F16 = 0 | ";
        assert_eq!(tidy(info), "CPU: SSE3 AVX SVE_CNT=2 CUDA:");
    }

    #[test]
    fn this_build_names_a_backend() {
        assert!(processor().contains("CPU:"), "{}", processor());
    }
}
