//! Compiles llama.cpp's processor backend once more, for newer processors.
//!
//! llama-cpp-sys-2 compiles it for AVX2. On x86-64 Linux this adds it for AVX-512 and for AMX: the
//! same sources with other flags, linked into one object each in which every name is local but the
//! function that gives the backend (`src/llama/variants.rs` chooses between them when it runs). So
//! their names do not meet those of the AVX2 backend, and the linker cannot take an inline function
//! that was compiled for AVX-512 for the rest of the program. What the backend needs of ggml's other
//! parts, and of the AVX2 backend, it takes from llama-cpp-sys-2.
//!
//! Where something is missing for that, a warning says so and the build goes on without.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cc::Build;

/// What the AVX2 backend is compiled for.
const AVX2: [&str; 6] = ["-msse4.2", "-mf16c", "-mfma", "-mbmi2", "-mavx", "-mavx2"];
/// What servers have since Cascade Lake (2019) and Zen 4 (2022). What came with AVX-512 later
/// ggml uses only for weights in BF16 and in sources that are shared (below).
const AVX512: [&str; 6] = [
    "-mavx512f",
    "-mavx512cd",
    "-mavx512vl",
    "-mavx512dq",
    "-mavx512bw",
    "-mavx512vnni",
];
/// What Intel's servers have since Sapphire Rapids (2023), beside AVX-512.
const AMX: [&str; 2] = ["-mamx-tile", "-mamx-int8"];
/// The sources that AMX changes: its own, and those that ask whether it is there.
const AMX_SOURCES: [&str; 4] = ["ggml-cpu.c", "ggml-cpu.cpp", "amx/amx.cpp", "amx/mmq.cpp"];
/// What stays as it is, for all variants use it from the AVX2 backend: attention and what goes over
/// single values. For AVX-512 ggml takes 64 halves at a time there and what is left over one by one,
/// which makes attention with heads of 32 take three times as long, and gains little with larger ones.
const SHARED_SOURCES: [&str; 5] = [
    "ops.cpp",
    "vec.cpp",
    "binary-ops.cpp",
    "unary-ops.cpp",
    "hbm.cpp",
];
/// What GCC needs to compile AMX rightly.
const AMX_HEADER: &str = "build/amx.h";
/// The function that gives the backend.
const BACKEND: &str = "ggml_backend_cpu_reg";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={AMX_HEADER}");
    println!("cargo:rerun-if-env-changed=OBJCOPY");
    println!("cargo:rustc-check-cfg=cfg(variant, values(\"avx2\", \"avx512\", \"amx\"))");
    if let Err(reason) = add_variants() {
        println!("cargo:warning=konform-llm uses fewer processor features: {reason}");
    }
}

fn add_variants() -> Result<(), String> {
    let target = variable("TARGET");
    let target = target.to_string_lossy();
    if !target.starts_with("x86_64-") {
        return Ok(());
    }
    let Some(ggml) = Ggml::find()? else {
        return Ok(());
    };
    println!("cargo:rustc-cfg=variant=\"avx2\"");
    if target != "x86_64-unknown-linux-gnu" {
        return Ok(());
    }
    let sources = ggml.sources()?;
    let objects = ggml.compile("avx512", &sources, &AVX512)?;
    link("avx512", &objects)?;

    let is_changed = |source: &Path| AMX_SOURCES.iter().any(|end| source.ends_with(end));
    let (changed, same): (Vec<_>, Vec<_>) =
        (sources.into_iter().zip(objects)).partition(|(source, _)| is_changed(source));
    let sources: Vec<_> = changed.into_iter().map(|(source, _)| source).collect();
    let mut objects = ggml.compile("amx", &sources, &[&AVX512[..], &AMX].concat())?;
    objects.extend(same.into_iter().map(|(_, object)| object));
    link("amx", &objects)
}

/// ggml as llama-cpp-sys-2 compiled it.
struct Ggml {
    /// The folder of its sources.
    folder: PathBuf,
    llamafile: bool,
    repack: bool,
    openmp: bool,
}

impl Ggml {
    /// Finds it; nothing where it is not the AVX2 backend that is linked, as when somebody builds
    /// for their own machine alone.
    fn find() -> Result<Option<Self>, String> {
        let root = env::var_os("DEP_LLAMA_ROOT").ok_or("llama-cpp-sys-2 names no folder")?;
        let cache = read(&Path::new(&root).join("build/CMakeCache.txt"))?;
        let value = |name: &str| {
            let mut entries = cache.lines().filter_map(|line| line.split_once('='));
            let (_, value) = entries.find(|(key, _)| key.split(':').next() == Some(name))?;
            Some(value)
        };
        let is_on = |name| value(name) == Some("ON");
        if !is_on("GGML_AVX2")
            || [
                "GGML_NATIVE",
                "GGML_AVX512",
                "GGML_CPU_HBM",
                "BUILD_SHARED_LIBS",
            ]
            .into_iter()
            .any(is_on)
        {
            return Ok(None);
        }
        let home = value("CMAKE_HOME_DIRECTORY").ok_or("CMake names no folder")?;
        Ok(Some(Self {
            folder: Path::new(home).join("ggml/src"),
            llamafile: is_on("GGML_LLAMAFILE"),
            repack: is_on("GGML_CPU_REPACK"),
            openmp: is_on("GGML_OPENMP_ENABLED"),
        }))
    }

    /// The backend's sources.
    fn sources(&self) -> Result<Vec<PathBuf>, String> {
        let mut sources = Vec::new();
        for part in ["", "amx", "tiled", "arch/x86", "llamafile"] {
            if part == "llamafile" && !self.llamafile {
                continue;
            }
            let folder = self.folder.join("ggml-cpu").join(part);
            let entries = fs::read_dir(&folder).map_err(|error| unread(&folder, &error))?;
            for entry in entries {
                let path = entry.map_err(|error| unread(&folder, &error))?.path();
                let kind = path.extension().and_then(|kind| kind.to_str());
                // That file is for backends in libraries of their own.
                let is_apart = path.ends_with("cpu-feats.cpp");
                let is_shared = SHARED_SOURCES.iter().any(|end| path.ends_with(end));
                if matches!(kind, Some("c" | "cpp")) && !is_apart && !is_shared {
                    sources.push(path);
                }
            }
        }
        sources.sort();
        Ok(sources)
    }

    /// Compiles sources with flags and gives an object for each.
    fn compile(
        &self,
        variant: &str,
        sources: &[PathBuf],
        flags: &[&str],
    ) -> Result<Vec<PathBuf>, String> {
        let out = PathBuf::from(variable("OUT_DIR")).join(variant);
        let mut objects = vec![PathBuf::new(); sources.len()];
        for (kind, standard) in [("c", "gnu11"), ("cpp", "gnu++17")] {
            let mut build = Build::new();
            build
                .cpp(kind == "cpp")
                .std(standard)
                .cargo_metadata(false)
                .out_dir(&out)
                .opt_level(3)
                .debug(false)
                .pic(true)
                .warnings(false)
                .flag("-w")
                .flag("-fno-lto")
                // A name that is unique in a process could not be made local.
                .flag_if_supported("-fno-gnu-unique")
                .includes(["", "ggml-cpu", "../include"].map(|part| self.folder.join(part)))
                .define("NDEBUG", None)
                .define("_GNU_SOURCE", None)
                .define("_XOPEN_SOURCE", "600")
                .define("GGML_SCHED_MAX_COPIES", "4");
            if self.llamafile {
                build.define("GGML_USE_LLAMAFILE", None);
            }
            if self.repack {
                build.define("GGML_USE_CPU_REPACK", None);
            }
            if self.openmp {
                build.define("GGML_USE_OPENMP", None).flag("-fopenmp");
            }
            for flag in AVX2.iter().chain(flags) {
                if !build
                    .is_flag_supported(flag)
                    .is_ok_and(|supported| supported)
                {
                    return Err(format!("the compiler does not know {flag}"));
                }
                build.flag(flag);
            }
            if flags.contains(&AMX[0]) {
                let header = Path::new(env!("CARGO_MANIFEST_DIR")).join(AMX_HEADER);
                build.flag("-include").flag(header);
            }
            let of_kind = |path: &PathBuf| path.extension().is_some_and(|end| end == kind);
            build.files(sources.iter().filter(|path| of_kind(path)));
            let compiled = build.try_compile_intermediates();
            let compiled = compiled.map_err(|error| format!("{variant}: {error}"))?;
            let places = sources.iter().zip(&mut objects);
            let places = places.filter(|(path, _)| of_kind(path));
            for ((_, place), object) in places.zip(compiled) {
                *place = object;
            }
        }
        Ok(objects)
    }
}

/// Makes one object of many, with one name that others see, and links it.
fn link(variant: &str, objects: &[PathBuf]) -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")).join(variant);
    let (whole, local) = (out.join("whole.o"), out.join("local.o"));
    let compiler = Build::new()
        .cpp(true)
        .cargo_metadata(false)
        .try_get_compiler();
    let compiler = compiler.map_err(|error| error.to_string())?;
    // Without groups the linker cannot take a function here for one of the same name elsewhere.
    let mut joining = compiler.to_command();
    joining
        .args(["-r", "-nostdlib", "-Wl,--force-group-allocation", "-o"])
        .arg(&whole)
        .args(objects);
    run(&mut joining)?;

    let name = format!("konform_{variant}_{BACKEND}");
    let mut hiding = Command::new(env::var_os("OBJCOPY").unwrap_or_else(|| "objcopy".into()));
    hiding
        .arg(format!("--redefine-sym={BACKEND}={name}"))
        .arg(format!("--keep-global-symbol={name}"))
        .args([&whole, &local]);
    run(&mut hiding)?;
    let bytes = fs::read(&local).map_err(|error| unread(&local, &error))?;
    for section in [&b".init_array"[..], b".ctors"] {
        if bytes.windows(section.len()).any(|window| window == section) {
            return Err(format!(
                "{variant}: code of it would run on every processor"
            ));
        }
    }

    let archive = format!("konform_{variant}_ggml_cpu");
    let archived = Build::new().object(&local).try_compile(&archive);
    archived.map_err(|error| format!("{variant}: {error}"))?;
    println!("cargo:rustc-cfg=variant=\"{variant}\"");
    Ok(())
}

/// What cargo tells build scripts.
fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_default()
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output();
    let output = output.map_err(|error| format!("{name} does not run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it says nothing");
    Err(format!("{name} failed: {said}"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| unread(path, &error))
}

fn unread(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}
