//! The calls that llama-cpp-2 does not wrap, all about the processor.
#![allow(
    unsafe_code,
    reason = "the processor features that the bits depend on can be asked and chosen in no other way"
)]

use std::{ffi::CStr, sync::OnceLock};

#[cfg(any(variant = "avx512", variant = "amx"))]
use llama_cpp_sys_2::{
    ggml_backend_cpu_reg, ggml_backend_reg_t, ggml_backend_register, ggml_backend_unload,
};

/// The backends and processor features that llama.cpp uses: `CPU: AVX AVX2 F16C FMA …`.
pub(super) fn processor() -> &'static str {
    static INFO: OnceLock<String> = OnceLock::new();
    INFO.get_or_init(|| {
        // The backend that is asked is the chosen one; why none could be is told elsewhere.
        let _ = super::model::backend();
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

// What the build script compiled.
#[cfg(variant = "avx512")]
unsafe extern "C" {
    fn konform_avx512_ggml_backend_cpu_reg() -> ggml_backend_reg_t;
}
#[cfg(variant = "amx")]
unsafe extern "C" {
    fn konform_amx_ggml_backend_cpu_reg() -> ggml_backend_reg_t;
}

/// Has llama.cpp use the backend for AVX-512 from now on, once, before a model is loaded.
#[cfg(variant = "avx512")]
pub(super) fn use_avx512() {
    replace(konform_avx512_ggml_backend_cpu_reg);
}

/// Has llama.cpp use the backend for AMX from now on, once, before a model is loaded.
#[cfg(variant = "amx")]
pub(super) fn use_amx() {
    replace(konform_amx_ggml_backend_cpu_reg);
}

#[cfg(any(variant = "avx512", variant = "amx"))]
fn replace(backend: unsafe extern "C" fn() -> ggml_backend_reg_t) {
    // SAFETY: both backends are of the same sources and live as long as the process. Nothing of the
    // one that is taken out is in use, as no model was loaded, and no other thread is in the
    // registry: all that use it come after what calls this (`model::backend`).
    unsafe {
        ggml_backend_unload(ggml_backend_cpu_reg());
        ggml_backend_register(backend());
    }
}

/// Asks the kernel to let this process use the tiles of AMX.
#[cfg(variant = "amx")]
pub(super) fn may_use_tiles() -> bool {
    /// `ARCH_REQ_XCOMP_PERM` and `XFEATURE_XTILEDATA` of Linux.
    const REQUEST: libc::c_long = 0x1023;
    const TILES: libc::c_long = 18;
    // SAFETY: the call takes two numbers and changes nothing but what the process may use.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST, TILES) == 0 }
}

/// Whether the processor has the tiles of AMX, and multiplies bytes in them.
#[cfg(variant = "amx")]
pub(super) fn has_tiles() -> bool {
    // SAFETY: every processor of this architecture has the instruction.
    #[allow(unused_unsafe, reason = "newer compilers know that it is safe")]
    let (most, features) = unsafe {
        use std::arch::x86_64::{__cpuid, __cpuid_count};
        (__cpuid(0).eax, __cpuid_count(7, 0).edx)
    };
    // AMX-TILE and AMX-INT8.
    most >= 7 && features & (1 << 24) != 0 && features & (1 << 25) != 0
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
