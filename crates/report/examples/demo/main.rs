//! Writes a made-up report as HTML to the path given: `cargo run -p konform-report --example demo
//! -- /tmp/report.html`. A second argument repeats documents and requirements, to try large ones.

use std::{env, error::Error, fs};

mod data;
mod sources;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("usage: demo PATH [TIMES]")?;
    let times = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let data = data::Data::of(times);
    let report = data.report();
    fs::write(&path, konform_report::html(&report))?;
    fs::write(format!("{path}.md"), konform_report::markdown(&report))?;
    fs::write(
        format!("{path}.json"),
        konform_report::findings_json(&report),
    )?;
    Ok(())
}
