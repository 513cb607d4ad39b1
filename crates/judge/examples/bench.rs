//! Measures judging with a model file: what reuse brings, and whether bits repeat.
//!
//! `cargo run --release -p konform-judge --example bench -- grid MODEL.gguf [--documents N]
//! [--requirements N] [--evidence N] [--passages N] [--characters N] [--length TOKENS] [--reading together|each] [--threads N]
//! [--mode replayable|throughput] [--prompts FILE]` judges a grid of made documents and requirements;
//! `… -- bits MODEL.gguf` asks 1,000 questions in several orders, thread counts and modes.
//! The documents are made from a bank of sentences by a fixed rule, so every run asks the same.
#![allow(clippy::print_stdout, reason = "an example prints what it measured")]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures time and chooses the code that is measured"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    path::Path,
    time::Instant,
};

use konform_index::SegmentIndex;
use konform_judge::{
    Case, CitedPassage, Letter, Reading, Scoped, Settings as JudgeSettings, judge,
};
use konform_llm::{
    Completion, Engine, Identity, LlmError, Mode, Model, Part, Prompt, Scores, Settings,
    use_processor,
};
use konform_terms::{
    Applies, Digest, Document, Format, Kind, Language, Link, Nature, Passage, Requirement, Segment,
    SegmentKind, Severity, Span,
};

/// What contracts speak of, each with words of its own.
const TOPICS: [[&str; 3]; 20] = [
    [
        "notify incidents",
        "a breach of security",
        "within two working days",
    ],
    [
        "delete data",
        "records and backups",
        "thirty days after the end",
    ],
    [
        "engage subprocessors",
        "further suppliers",
        "with written approval",
    ],
    [
        "allow audits",
        "an inspection of the premises",
        "once in each year",
    ],
    ["keep secret", "confidential information", "for five years"],
    ["train staff", "persons with access", "before they begin"],
    [
        "encrypt transfers",
        "data in transit",
        "with current methods",
    ],
    [
        "answer requests",
        "persons who ask for access",
        "without undue delay",
    ],
    [
        "pay fees",
        "invoices of the supplier",
        "at the end of the month",
    ],
    [
        "end the contract",
        "either of the parties",
        "with three months of notice",
    ],
    ["apply law", "the courts of the capital", "for all disputes"],
    [
        "limit liability",
        "indirect loss and lost profit",
        "up to the yearly fees",
    ],
    ["store copies", "archives on tape", "in a second building"],
    [
        "transfer abroad",
        "recipients in other countries",
        "under standard clauses",
    ],
    [
        "name contacts",
        "a person for data protection",
        "by letter or mail",
    ],
    [
        "assess risks",
        "new ways of processing",
        "before the first use",
    ],
    [
        "return documents",
        "drawings and samples",
        "on first demand",
    ],
    [
        "announce changes",
        "prices and services",
        "sixty days ahead",
    ],
    [
        "insure damages",
        "a policy of liability",
        "of ten million euros",
    ],
    [
        "log access",
        "entries of administrators",
        "for twelve months",
    ],
];

/// An engine that keeps what it was asked.
struct Listening<'m> {
    engine: Box<dyn Engine + 'm>,
    prompts: Vec<Prompt>,
    written: usize,
}

impl Engine for Listening<'_> {
    fn identity(&self) -> &Identity {
        self.engine.identity()
    }
    fn capacity(&self) -> usize {
        self.engine.capacity()
    }
    fn count(&self, prompt: &Prompt) -> Result<usize, LlmError> {
        self.engine.count(prompt)
    }
    fn score(&mut self, prompts: &[Prompt], choices: &[&str]) -> Result<Vec<Scores>, LlmError> {
        self.prompts.extend_from_slice(prompts);
        self.engine.score(prompts, choices)
    }
    fn complete(
        &mut self,
        prompt: &Prompt,
        chosen: &str,
        grammar: &str,
        tokens: usize,
    ) -> Result<Completion, LlmError> {
        self.written += tokens;
        self.engine.complete(prompt, chosen, grammar, tokens)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().ok_or("grid or bits is expected")?;
    let model = arguments.next().ok_or("the path of a model is expected")?;
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        options.insert(name, value);
    }
    if let Ok(name) = std::env::var("KONFORM_PROCESSOR") {
        use_processor(&name)?;
    }
    match what.as_str() {
        "grid" => grid(Path::new(&model), &options),
        "bits" => bits(Path::new(&model)),
        _ => Err("grid or bits is expected".into()),
    }
}

fn number(options: &BTreeMap<String, String>, name: &str, default: usize) -> usize {
    let given = options.get(name).and_then(|value| value.parse().ok());
    given.unwrap_or(default)
}

/// Judges documents × requirements and prints the time against that of the distinct tokens.
fn grid(path: &Path, options: &BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    let settings = Settings {
        threads: options
            .get("--threads")
            .map(|text| text.parse())
            .transpose()?,
        mode: match options.get("--mode").map(String::as_str) {
            Some("throughput") => Mode::Throughput,
            _ => Mode::Replayable,
        },
        ..Settings::default()
    };
    let judging = JudgeSettings {
        reading: match options.get("--reading").map(String::as_str) {
            Some("each") => Reading::Each,
            _ => Reading::Together,
        },
        max_evidence: number(options, "--evidence", 4),
        max_passages: number(options, "--passages", 0),
        passage_characters: number(options, "--characters", 1200),
        ..JudgeSettings::default()
    };
    let model = Model::load(path, &settings)?;
    let mut engine = Listening {
        engine: Box::new(model.engine(&settings)?),
        prompts: vec![],
        written: 0,
    };
    let requirements: Vec<Requirement> = (0..number(options, "--requirements", 20))
        .map(requirement)
        .collect();
    let documents: Vec<(Document, SegmentIndex)> = (0..number(options, "--documents", 20))
        .map(|at| {
            let document = document(at, number(options, "--length", 1500));
            let index = SegmentIndex::new(&document, Language::EN);
            (document, index)
        })
        .collect();
    let before = raw_speed(&mut engine, 0)?;
    engine.prompts.clear();

    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let (mut evaluated, mut reused) = (0, 0);
    // Which document each prompt is about.
    let mut about: Vec<usize> = Vec::new();
    for (topic, requirement) in requirements.iter().enumerate() {
        let passages: Vec<CitedPassage> = (0..judging.max_passages)
            .map(|number| passage(topic, number, judging.passage_characters))
            .collect();
        for (at, (document, segments)) in documents.iter().enumerate() {
            let scope = Scoped {
                applies: Applies::Yes,
                found: vec![],
                explanation: String::new(),
            };
            let case = Case {
                document,
                language: Language::EN,
                segments,
                requirement,
                scope: &scope,
                checks: &[],
                passages: &passages,
            };
            let judged = judge(&mut engine, &judging, &case)?;
            evaluated += judged.work.evaluated;
            reused += judged.work.reused;
            about.resize(engine.prompts.len(), at);
        }
    }
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let prompts = std::mem::take(&mut engine.prompts);
    let after = raw_speed(&mut engine, 3)?;
    let raw = f64::midpoint(before, after);

    let (all, distinct) = tokens_of(&engine, &prompts)?;
    let cases = requirements.len() * documents.len();
    println!(
        "model: {} ({} parameters), {}",
        engine.identity().name,
        engine.identity().parameters,
        engine.identity().processor
    );
    println!(
        "findings: {cases} ({} documents x {} requirements), prompts: {}",
        documents.len(),
        requirements.len(),
        prompts.len()
    );
    println!(
        "tokens: {all} in all prompts, {distinct} distinct, {evaluated} evaluated, {reused} reused, {} written",
        engine.written
    );
    println!("raw prompt speed: {before:.1} tokens/s before, {after:.1} after");
    println!(
        "wall: {wall:.1} s, processor: {cpu:.1} s, {:.3} s a finding",
        wall / cases as f64
    );
    println!(
        "wall / (distinct tokens / raw speed): {:.3}",
        wall / (distinct as f64 / raw)
    );
    println!(
        "time for all tokens at raw speed (one prompt at a time, no reuse): {:.1} s, {:.1} x",
        all as f64 / raw,
        all as f64 / raw / wall
    );
    println!("peak memory: {} MiB", peak_mib());
    if let Some(file) = options.get("--prompts") {
        // The same questions for a peer, document by document.
        let mut texts: Vec<(usize, String)> =
            about.into_iter().zip(prompts.iter().map(text)).collect();
        texts.sort_by_key(|(document, _)| *document);
        let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
        std::fs::write(file, serde_json::to_string(&texts)?)?;
    }
    Ok(())
}

/// The tokens of all prompts, and those of the tree that has each begin once.
fn tokens_of(engine: &Listening<'_>, prompts: &[Prompt]) -> Result<(usize, usize), LlmError> {
    let count = |part: &Part| engine.count(&Prompt::new([vec![part.clone()]]));
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows: Vec<Vec<&Part>> = prompts.iter().map(|one| one.parts().collect()).collect();
    // Next to each other, prompts share the most.
    rows.sort_by_cached_key(|row| row.iter().map(|part| words(part)).collect::<Vec<_>>());
    let (mut all, mut distinct) = (0, 0);
    let mut before: &[&Part] = &[];
    for row in &rows {
        let same = row.iter().zip(before).take_while(|(a, b)| a == b).count();
        for (at, part) in row.iter().enumerate() {
            let tokens = match known.get(words(part)) {
                Some(&tokens) => tokens,
                None => count(part)?,
            };
            known.insert(words(part).to_owned(), tokens);
            all += tokens;
            distinct += if at < same { 0 } else { tokens };
        }
        // Parts are tokenized one by one; two may begin with the same tokens.
        if let (Some(&Part::Text(now)), Some(&Part::Text(then))) = (row.get(same), before.get(same))
        {
            let common: String = now
                .chars()
                .zip(then.chars())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect();
            let common = common.rfind(' ').map_or("", |end| &common[..end]);
            distinct -= count(&Part::Text(common.to_owned()))?;
        }
        before = row;
    }
    Ok((all, distinct))
}

/// Prompt tokens in a second: three prompts of 490 that share nothing, numbered from `first` on.
fn raw_speed(engine: &mut Listening<'_>, first: usize) -> Result<f64, Box<dyn Error>> {
    let (mut tokens, mut seconds) = (0, 0.0);
    for start in first..first + 3 {
        let mut words = format!("{start} ");
        let prompt = |words: &str| {
            Prompt::new([vec![
                Part::Bos,
                Part::Text(words.to_owned()),
                Part::InstClose,
            ]])
        };
        for topic in TOPICS.iter().cycle().skip(start * 7) {
            words.push_str(&topic.join(", "));
            words.push_str(". ");
            if engine.count(&prompt(&words))? >= 490 {
                break;
            }
        }
        let begin = Instant::now();
        let scores = engine.engine.score(&[prompt(&words)], &["A"])?;
        seconds += begin.elapsed().as_secs_f64();
        tokens += scores[0].usage.evaluated;
    }
    Ok(tokens as f64 / seconds)
}

fn requirement(at: usize) -> Requirement {
    let [does, what, when] = TOPICS[at % TOPICS.len()];
    let en = |text: String| BTreeMap::from([(Language::EN, text)]);
    Requirement {
        id: format!("bench/{at}"),
        title: en(does.to_owned()),
        statement: en(format!(
            "The supplier undertakes to {does}, namely {what}, {when}."
        )),
        kind: Kind::Must,
        severity: Severity::Medium,
        scope: None,
        provisions: vec![],
        queries: BTreeMap::from([(Language::EN, vec![format!("{does} {what}")])]),
        checks: vec![],
        wording: BTreeMap::new(),
    }
}

/// A passage of made law on a topic, of so many characters or somewhat more.
fn passage(topic: usize, number: usize, characters: usize) -> CitedPassage {
    let [does, what, when] = TOPICS[(topic + number * 5) % TOPICS.len()];
    let [other, _, _] = TOPICS[(topic + number + 1) % TOPICS.len()];
    let mut text = format!(
        "Whoever supplies services under this law shall {does} as regards {what}, {when}. The duty holds for every \
         person who acts on the supplier's behalf, whether employed or not, and does not end with the contract. \
         Nothing in a contract may limit it, save where the parties {other} and the authority was told before."
    );
    for case in 1.. {
        if text.len() >= characters {
            break;
        }
        let [does, what, when] = TOPICS[(topic * 3 + case) % TOPICS.len()];
        text.push_str(&format!(
            " The same holds, in case {case} of the annex, for whoever has to {does}, be it {what} or not, {when}."
        ));
    }
    let address = format!("art_{topic}__para_{number}");
    CitedPassage {
        passage: Passage {
            id: serde_json::from_value(format!("made#{address}").into()).expect("an id is a text"),
            instrument: "made".into(),
            short_title: "Made Act".into(),
            version: "2026-01-01".into(),
            language: Language::EN,
            address: address.as_str().into(),
            label: format!("Art. {topic}({number})"),
            nature: Nature::Paraphrase,
            digest: Digest::of(&text),
            heading_path: vec![],
            context: String::new(),
            text,
        },
        link: Link::Pinned,
    }
}

/// A document of about so many tokens: sentences on all topics, in an order of its own.
fn document(number: usize, tokens: usize) -> Document {
    let mut text = String::new();
    let mut segments = Vec::new();
    for at in 0..tokens / 25 {
        let topic = TOPICS[(at * 7 + number * 3) % TOPICS.len()];
        let other = TOPICS[(at + number) % TOPICS.len()];
        let start = text.len();
        text.push_str(&format!(
            "{}.{} Party {number} shall {} as regards {}, {}, and {}.",
            at / 10 + 1,
            at % 10 + 1,
            topic[0],
            topic[1],
            topic[2],
            other[2],
        ));
        segments.push(Segment {
            span: Span::new(start, text.len()),
            kind: SegmentKind::Sentence,
            page: None,
            heading_path: vec![],
        });
        text.push('\n');
    }
    Document {
        path: format!("made-{number}.txt"),
        format: Format::Text,
        digest: Digest::of(&text),
        language: Some(Language::EN),
        text,
        pages: vec![],
        segments,
        warnings: vec![],
    }
}

/// Asks 1,000 questions in several ways and compares the bits.
fn bits(path: &Path) -> Result<(), Box<dyn Error>> {
    let with = |threads, mode| Settings {
        threads: Some(threads),
        mode,
        ..Settings::default()
    };
    let mut prompts = Vec::new();
    for (at, question) in (0..20).map(requirement).enumerate() {
        for number in 0..10 {
            let document = document(number, 500);
            for segment in document.segments.iter().skip(at % 4).take(5) {
                let own = format!("[E1] {}\n", document.quote(segment));
                let statement = &question.statement[&Language::EN];
                let shared = format!("Statement (must): {statement}\n\nEvidence:\n");
                prompts.push(Prompt::new([
                    vec![Part::Bos, Part::InstOpen, Part::Text(shared)],
                    vec![Part::Text(own), Part::InstClose],
                ]));
            }
        }
    }
    let choices = Letter::ALL.map(Letter::text);
    let model = Model::load(path, &with(1, Mode::Replayable))?;
    let ask = |order: &[usize], threads, mode, halves: bool| -> Result<Vec<Scores>, LlmError> {
        let mut found: Vec<Option<Scores>> = vec![None; prompts.len()];
        let parts = if halves { order.len() / 2 } else { order.len() };
        for part in order.chunks(parts) {
            let mut engine = model.engine(&with(threads, mode))?;
            for some in part.chunks(40) {
                let questions: Vec<Prompt> = some.iter().map(|&at| prompts[at].clone()).collect();
                for (&at, scores) in some.iter().zip(engine.score(&questions, &choices)?) {
                    found[at] = Some(scores);
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    };
    let given: Vec<usize> = (0..prompts.len()).collect();
    let backwards: Vec<usize> = given.iter().rev().copied().collect();
    let mut mixed = given.clone();
    mixed.sort_by_key(|at| (at * 617) % 1009);
    let first = ask(&given, 1, Mode::Replayable, false)?;
    println!("questions: {}", first.len());
    let runs: [(&str, &[usize], u16, bool); 5] = [
        ("backwards", &backwards, 1, false),
        ("mixed", &mixed, 1, false),
        ("two threads", &given, 2, false),
        ("two threads, mixed", &mixed, 2, false),
        ("another engine from the middle on", &given, 1, true),
    ];
    for (name, order, threads, halves) in runs {
        let again = ask(order, threads, Mode::Replayable, halves)?;
        let same = first.iter().zip(&again).filter(|(a, b)| {
            let bits = |scores: &Scores| -> Vec<u64> {
                scores
                    .log_probabilities
                    .iter()
                    .map(|value| value.to_bits())
                    .collect()
            };
            bits(a) == bits(b)
        });
        println!(
            "replayable, {name}: {} of {} bit-identical",
            same.count(),
            first.len()
        );
    }
    let likeliest = |scores: &Scores| -> usize {
        let values = scores.log_probabilities.iter().enumerate();
        values
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(at, _)| at)
    };
    let begin = Instant::now();
    let _ = ask(&given, 1, Mode::Replayable, false)?;
    let replayable = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let together = ask(&given, 1, Mode::Throughput, false)?;
    let throughput = begin.elapsed().as_secs_f64();
    let agree = first
        .iter()
        .zip(&together)
        .filter(|(a, b)| likeliest(a) == likeliest(b))
        .count();
    let largest = first
        .iter()
        .zip(&together)
        .flat_map(|(a, b)| a.distribution().into_iter().zip(b.distribution()))
        .fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
    println!(
        "throughput: {agree} of {} likeliest letters agree, largest difference of a probability {largest:.2e}",
        first.len()
    );
    println!(
        "throughput: {throughput:.1} s, replayable {replayable:.1} s, {:.2} x",
        replayable / throughput
    );
    let said: BTreeSet<usize> = first.iter().map(likeliest).collect();
    println!("letters that were likeliest somewhere: {}", said.len());
    Ok(())
}

fn text(prompt: &Prompt) -> String {
    prompt.parts().map(words).collect()
}

fn words(part: &Part) -> &str {
    match part {
        Part::Bos => "",
        Part::InstOpen => "[INST]",
        Part::InstClose => "[/INST]",
        Part::Text(text) => text,
    }
}

/// Processor seconds of this process, by Linux.
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// The most memory this process took, in MiB, by Linux.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kib.unwrap_or_default() / 1024
}
