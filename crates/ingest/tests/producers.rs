//! The same text, rendered by many producers, gives the same sentences. The files are not part of
//! the project; where they are absent the test says so and passes.

#![allow(
    clippy::print_stderr,
    reason = "a test that skips says so, and the table of counts is worth seeing"
)]

use std::path::PathBuf;

use konform_ingest::{Limits, read};
use konform_terms::{UnreadableReason, WarningKind};

const SENTENCES: [&str; 5] = [
    "High-risk AI systems shall technically allow for the automatic recording of events (logs) over the lifetime of the system.",
    "The officer's office sufficiently defined an efficient offline workflow; see Art. 9 para. 2 and No. 5.",
    "Fluffy affiliates filed five different affidavits.",
    "Les données à caractère personnel doivent être traitées de manière licite, loyale et transparente au regard de la personne concernée (licéité, loyauté, transparence).",
    "L'élève naïf œuvre où ça coûte 12 €, à l'été.",
];

fn folder() -> Option<PathBuf> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/documents/pdf-trials");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is absent", folder.display());
    None
}

#[test]
fn every_producer_gives_every_sentence() {
    let Some(folder) = folder() else {
        return;
    };
    // Each sentence stands six times in the text.
    for name in [
        "chromium_1col",
        "chromium_2col",
        "enc_aes128_emptyuser",
        "enc_aes256_emptyuser",
        "enc_rc4_emptyuser",
        "latex_OT1_nocmap",
        "latex_T1",
        "libreoffice",
        "objstm",
        "reportlab",
        "rotated",
        "typst_2col",
    ] {
        let document = read(
            &folder.join(format!("{name}.pdf")),
            name,
            &Limits::default(),
        )
        .unwrap();
        let quotes: Vec<String> = document
            .segments
            .iter()
            .map(|segment| {
                document
                    .quote(segment)
                    .replace('’', "'")
                    .replace("EUR", "€")
            })
            .collect();
        let counts = SENTENCES.map(|sentence| {
            quotes
                .iter()
                .filter(|quote| quote.as_str() == sentence)
                .count()
        });
        eprintln!("{name:24} {counts:?}");
        assert_eq!(counts, [6; 5], "{name}");
        assert!(!document.is_damaged(), "{name}");
    }
}

#[test]
fn files_that_are_not_whole_are_told_apart() {
    use UnreadableReason as R;
    let Some(folder) = folder() else {
        return;
    };
    for (name, want) in [
        ("enc_aes256_pw", Err(R::Encrypted)),
        ("scan", Err(R::Scanned)),
        ("empty", Err(R::Empty)),
        ("notpdf", Err(R::Damaged)),
        ("bomb1g", Err(R::TooLarge)),
        ("nest1000", Err(R::Damaged)),
        ("nest100000", Err(R::Damaged)),
        ("trunc50", Ok(WarningKind::Damaged)),
        ("trunc90", Ok(WarningKind::Damaged)),
    ] {
        let result = read(
            &folder.join(format!("{name}.pdf")),
            name,
            &Limits::default(),
        );
        let got = result
            .as_ref()
            .map(|document| document.warnings[0].kind)
            .map_err(|unreadable| unreadable.reason);
        assert_eq!(got, want, "{name}");
    }
}
