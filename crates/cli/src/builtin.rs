//! What the binary carries: rule packs, digests of law and a small model, so that the first run
//! needs neither a network nor a download.

/// The rule packs, by file name.
pub(crate) const RULES: &[(&str, &str)] = &[
    (
        "ai-act-high-risk.yaml",
        include_str!("../../../rules/ai-act-high-risk.yaml"),
    ),
    (
        "gdpr-dpa-art28.yaml",
        include_str!("../../../rules/gdpr-dpa-art28.yaml"),
    ),
    (
        "gdpr-privacy-notice.yaml",
        include_str!("../../../rules/gdpr-privacy-notice.yaml"),
    ),
    (
        "mutual-nda.yaml",
        include_str!("../../../rules/mutual-nda.yaml"),
    ),
];

/// The digests of law, by file name.
pub(crate) const CORPORA: &[(&str, &str)] = &[
    (
        "ai-act.de.md",
        include_str!("../../../corpora/ai-act.de.md"),
    ),
    (
        "ai-act.en.md",
        include_str!("../../../corpora/ai-act.en.md"),
    ),
    (
        "ai-act.fr.md",
        include_str!("../../../corpora/ai-act.fr.md"),
    ),
    ("gdpr.de.md", include_str!("../../../corpora/gdpr.de.md")),
    ("gdpr.en.md", include_str!("../../../corpora/gdpr.en.md")),
    ("gdpr.fr.md", include_str!("../../../corpora/gdpr.fr.md")),
];

/// The built-in model, a GGUF file.
pub(crate) const MODEL: &[u8] = include_bytes!("../../../models/builtin.gguf");

/// What was found out about the built-in model on labelled data.
pub(crate) const PROFILE: &str = include_str!("../../../models/builtin.calibration.json");

/// The name that stands for the built-in model.
pub(crate) const MODEL_NAME: &str = "builtin";
