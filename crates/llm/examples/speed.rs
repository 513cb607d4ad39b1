//! Measures how fast a model reads and writes on this machine:
//! `cargo run -p konform-llm --example speed -- MODEL.gguf [THREADS [PROMPT_TOKENS]]`, with the
//! processor backend that `KONFORM_PROCESSOR` names, if it does.
#![allow(clippy::print_stdout, reason = "an example prints what it measured")]

use std::{path::Path, time::Instant};

use konform_llm::{Engine as _, Model, Part, Prompt, Settings, use_processor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("the path of a model is expected")?;
    let defaults = Settings::default();
    let settings = Settings {
        threads: arguments.get(1).map(|text| text.parse()).transpose()?,
        ..defaults
    };
    let length: usize = arguments.get(2).map_or(Ok(1024), |text| text.parse())?;

    if let Some(name) = std::env::var_os("KONFORM_PROCESSOR") {
        use_processor(&name.to_string_lossy())?;
    }
    let begin = Instant::now();
    let model = Model::load(Path::new(path), &settings)?;
    println!(
        "loaded and digested in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let mut engine = model.engine(&settings)?;
    println!("{}", serde_json::to_string_pretty(engine.identity())?);

    let mut prompt = Prompt::new([
        vec![Part::Bos, Part::InstOpen],
        vec![Part::Text("Evidence:".into()), Part::InstClose],
    ]);
    while engine.count(&prompt)? < length {
        prompt.blocks[0].parts.push(Part::Text(
            "The processor acts on documented instructions.".into(),
        ));
    }
    let begin = Instant::now();
    let scores = engine
        .score(std::slice::from_ref(&prompt), &["A", "B", "C", "D"])?
        .remove(0);
    let seconds = begin.elapsed().as_secs_f64();
    let tokens = scores.usage.evaluated;
    println!(
        "prompt: {tokens} tokens, {:.1} tokens/s",
        tokens as f64 / seconds
    );

    prompt.blocks[1]
        .parts
        .insert(0, Part::Text("Another question.".into()));
    let begin = Instant::now();
    let scores = engine
        .score(std::slice::from_ref(&prompt), &["A", "B", "C", "D"])?
        .remove(0);
    let millis = begin.elapsed().as_secs_f64() * 1000.0;
    let (evaluated, reused) = (scores.usage.evaluated, scores.usage.reused);
    println!("next prompt: {evaluated} tokens evaluated, {reused} reused, {millis:.1} ms");

    let begin = Instant::now();
    let written = engine
        .complete(&prompt, "A", "root ::= [a-z ]*", 48)?
        .usage
        .evaluated;
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "answer: {written} tokens, {:.1} tokens/s",
        written as f64 / seconds
    );
    Ok(())
}
