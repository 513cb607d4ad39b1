//! The published schema of findings.json is the one that the types give.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{fs, path::Path};

#[test]
fn the_committed_schema_is_the_one_that_the_types_give() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/findings.schema.json");
    let schema = format!("{}\n", konform_report::findings_schema().trim_end());
    #[expect(
        clippy::disallowed_methods,
        reason = "a test may be told to write what it compares"
    )]
    if std::env::var("UPDATE_SCHEMA").is_ok() {
        fs::write(&path, &schema).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == schema,
        "docs/findings.schema.json is out of date; UPDATE_SCHEMA=1 cargo test writes it"
    );
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(jsonschema::validator_for(&schema).is_ok());
}
