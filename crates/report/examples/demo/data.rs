//! A made-up run: five documents and a scan, eight requirements, every verdict. All of it is our
//! own invention, the laws too.

use std::collections::BTreeMap;

use konform_report::{CorpusFacts, ModelFacts, Report, Run};
use konform_terms::{
    Citation, DecidedBy, Digest, Document, Evidence, Finding, Format, Kind, Language, Link,
    Localized, Nature, Pack, Passage, PassageId, ProvisionRef, Requirement, Segment, SegmentKind,
    Severity, Span, Step, Unreadable, UnreadableReason, Verdict, Warning, WarningKind,
};

use crate::sources::{Row, SOURCES, Source};

use Verdict::{Missing, NotApplicable, Satisfied, Undetermined, Violated};

/// Owns what a report borrows.
pub(crate) struct Data {
    documents: Vec<Document>,
    unreadable: Vec<Unreadable>,
    packs: Vec<Pack>,
    passages: Vec<Passage>,
    findings: Vec<Finding>,
}

impl Data {
    /// The made-up run, with every document that many times.
    pub(crate) fn of(times: usize) -> Self {
        let packs = vec![pack(times)];
        let passages = passages();
        let mut documents = Vec::new();
        let mut findings = Vec::new();
        for copy in 0..times {
            for source in SOURCES {
                let document = read(source, copy);
                for requirement in 0..packs[0].requirements.len() {
                    let row = &source.rows[requirement % source.rows.len()];
                    let requirement = &packs[0].requirements[requirement];
                    findings.push(finding(&document, requirement, row, &passages));
                }
                documents.push(document);
            }
        }
        let unreadable = vec![Unreadable {
            path: "contracts/annex-signed-2019.pdf".into(),
            digest: Some(Digest::of("scan")),
            reason: UnreadableReason::Scanned,
            detail: "all 4 pages are pictures without text. Run a text recognition on the file \
                     and check it again"
                .into(),
        }];
        findings.extend(unreadable.iter().map(not_assessed));
        Self {
            documents,
            unreadable,
            packs,
            passages,
            findings,
        }
    }

    /// The report on it.
    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            title: "Data processing agreements, autumn review".into(),
            language: Language::EN,
            run: Run {
                konform: "0.1.0".into(),
                started: "2026-11-20T09:30:00Z".into(),
                model: Some(ModelFacts {
                    name: "demo-7b-instruct-q4".into(),
                    source: "models/demo-7b-instruct-q4.gguf".into(),
                    digest: Some(Digest::of("model")),
                    engine: "llama.cpp 0.1.160".into(),
                    calibrated: false,
                    measured: vec![],
                }),
                corpora: vec![
                    CorpusFacts {
                        title: "GDPR digest".into(),
                        digest: Digest::of("digest"),
                        nature: Nature::Paraphrase,
                    },
                    CorpusFacts {
                        title: "Hosting Contracts Act".into(),
                        digest: Digest::of("act"),
                        nature: Nature::Official,
                    },
                ],
                thresholds: std::collections::BTreeMap::from([("own".to_owned(), 0.6)]),
                settings: serde_json::json!({"evidence": 8, "seed": 0, "threshold": 0.6}),
            },
            documents: &self.documents,
            unreadable: &self.unreadable,
            packs: &self.packs,
            passages: &self.passages,
            findings: &self.findings,
        }
    }
}

fn read(source: &Source, copy: usize) -> Document {
    let mut text = String::new();
    let mut pages = Vec::new();
    let mut segments = Vec::new();
    let mut heading_path: Vec<String> = Vec::new();
    if source.format == Format::Pdf {
        pages.push(0);
    }
    for line in source.text.lines() {
        if line == "---" {
            pages.push(text.len());
            continue;
        }
        let heading = line.strip_prefix("# ");
        let line = heading.unwrap_or(line);
        let span = Span::new(text.len(), text.len() + line.len());
        text.push_str(line);
        text.push_str("\n\n");
        let page = (!pages.is_empty()).then(|| pages.len().try_into().unwrap_or(u32::MAX));
        let kind = if heading.is_some() {
            SegmentKind::Heading
        } else {
            SegmentKind::Sentence
        };
        if heading.is_some() {
            heading_path.truncate(1);
        }
        segments.push(Segment {
            span,
            kind,
            page,
            heading_path: heading_path.clone(),
        });
        if heading.is_some() {
            heading_path.push(line.to_owned());
        }
    }
    let path = match copy {
        0 => source.path.to_owned(),
        copy => format!("copy-{copy}/{}", source.path),
    };
    let message = |message: &str| Warning {
        kind: WarningKind::Note,
        message: message.to_owned(),
    };
    Document {
        digest: Digest::of(format!("{path} {text}")),
        path,
        format: source.format,
        language: Some(source.language),
        text,
        pages,
        segments,
        warnings: source.warning.map(message).into_iter().collect(),
    }
}

fn localized(en: &str, fr: &str, de: &str) -> Localized {
    [(Language::EN, en), (Language::FR, fr), (Language::DE, de)]
        .into_iter()
        .map(|(language, text)| (language, text.to_owned()))
        .collect()
}

fn pack(times: usize) -> Pack {
    let mut requirements = Vec::new();
    for round in 0..times.min(3) {
        let rows = [
            (
                "instructions",
                Severity::Critical,
                "Documented instructions",
                "The processor acts only on documented instructions of the controller.",
                "Le sous-traitant n’agit que sur instruction documentée du responsable.",
                "Der Auftragsverarbeiter handelt nur auf dokumentierte Weisung des Verantwortlichen.",
            ),
            (
                "confidentiality",
                Severity::High,
                "Confidentiality",
                "Everyone who handles the data is bound to confidentiality.",
                "Toute personne qui traite les données est tenue au secret.",
                "Wer mit den Daten umgeht, ist zur Vertraulichkeit verpflichtet.",
            ),
            (
                "security",
                Severity::Critical,
                "Security of processing",
                "The processor keeps security measures that fit the risk.",
                "Le sous-traitant maintient des mesures de sécurité adaptées au risque.",
                "Der Auftragsverarbeiter unterhält dem Risiko angemessene Maßnahmen.",
            ),
            (
                "sub-processors",
                Severity::High,
                "Further processors",
                "Further processors need the controller’s prior written authorisation.",
                "Tout autre sous-traitant suppose l’accord écrit préalable du responsable.",
                "Weitere Auftragsverarbeiter brauchen die vorherige schriftliche Genehmigung.",
            ),
            (
                "rights",
                Severity::Medium,
                "Help with requests",
                "The processor helps to answer requests of data subjects.",
                "Le sous-traitant aide à répondre aux demandes des personnes.",
                "Der Auftragsverarbeiter hilft, Anträge betroffener Personen zu beantworten.",
            ),
            (
                "breach",
                Severity::Critical,
                "Breach notice",
                "The processor reports a breach without undue delay.",
                "Le sous-traitant signale une violation sans retard injustifié.",
                "Der Auftragsverarbeiter meldet Verletzungen unverzüglich.",
            ),
            (
                "return",
                Severity::Medium,
                "Erasure or return",
                "At the end all data are erased or returned, as the controller chooses.",
                "À la fin, les données sont effacées ou rendues, au choix du responsable.",
                "Am Ende werden alle Daten nach Wahl des Verantwortlichen gelöscht oder zurückgegeben.",
            ),
            (
                "audit",
                Severity::Low,
                "Audits",
                "The controller can audit the processor.",
                "Le responsable peut auditer le sous-traitant.",
                "Der Verantwortliche kann den Auftragsverarbeiter prüfen.",
            ),
        ];
        for (index, (id, severity, title, en, fr, de)) in rows.into_iter().enumerate() {
            let suffix = if round == 0 {
                String::new()
            } else {
                format!("-{round}")
            };
            requirements.push(Requirement {
                id: format!("dpa-demo/{id}{suffix}"),
                title: BTreeMap::from([(Language::EN, title.to_owned())]),
                statement: localized(en, fr, de),
                kind: Kind::Must,
                severity,
                scope: None,
                provisions: vec![ProvisionRef {
                    instrument: "32016R0679".into(),
                    address: LAW[index % LAW.len()].0.into(),
                }],
                queries: BTreeMap::new(),
                checks: vec![],
                wording: BTreeMap::new(),
            });
        }
    }
    Pack {
        id: "dpa-demo".into(),
        version: "1.0".into(),
        title: localized(
            "Data processing agreement",
            "Contrat de sous-traitance",
            "Auftragsverarbeitung",
        ),
        description: localized("Made up for this example.", "Inventé.", "Erfunden."),
        scope: None,
        instruments: BTreeMap::new(),
        requirements,
    }
}

/// Place, label, and what it says, in our own words.
const LAW: [(&str, &str, &str); 4] = [
    (
        "art_28__para_3__point_a",
        "Art. 28(3)(a)",
        "the processor moves on the controller’s recorded orders only, also when data leave the Union;",
    ),
    (
        "art_28__para_3__point_b",
        "Art. 28(3)(b)",
        "the people who touch the data owe secrecy;",
    ),
    (
        "art_28__para_3__point_c",
        "Art. 28(3)(c)",
        "the protective measures of Article 32 are in force;",
    ),
    (
        "art_28__para_2",
        "Art. 28(2)",
        "No further processor joins unless the controller agreed in writing beforehand, for one case or in general. Where it agreed in general, it hears of each change in time to object.",
    ),
];

fn passages() -> Vec<Passage> {
    let passage =
        |instrument: &str, title: &str, nature, address: &str, label: &str, text: &str| {
            let chapter = "Chapter IV: Controller and processor".to_owned();
            let list = address.contains("point");
            Passage {
                id: PassageId(format!("{instrument}@2016-05-04/en#{address}")),
                instrument: instrument.into(),
                short_title: title.into(),
                language: Language::EN,
                version: "2016-05-04".into(),
                nature,
                address: address.into(),
                label: label.into(),
                heading_path: vec![chapter, "Art. 28 Processors".into()],
                context: if list {
                    "A contract binds the processor and lays down that".into()
                } else {
                    String::new()
                },
                text: text.into(),
                digest: Digest::of(text),
            }
        };
    let digest = Nature::Paraphrase;
    let mut passages: Vec<Passage> = LAW
        .iter()
        .map(|(address, label, text)| passage("32016R0679", "GDPR", digest, address, label, text))
        .collect();
    passages.push(passage(
        "act-2024-17",
        "Hosting Contracts Act",
        Nature::Official,
        "sec_9__para_1",
        "Sec. 9(1)",
        "A host shall notify its customer of every incident that touches the customer’s data \
         within two days of the hour at which it came to the host’s knowledge. The notice names \
         the data, the cause so far as known, and the measures taken.",
    ));
    passages
}

fn cite(passage: &Passage, id: &str, part: Option<&str>) -> Citation {
    let whole = passage.span();
    let span = part
        .and_then(|part| {
            Some(Span::from(
                passage.text.find(part)?..passage.text.find(part)? + part.len(),
            ))
        })
        .unwrap_or(whole);
    Citation {
        id: id.into(),
        instrument: passage.instrument.clone(),
        short_title: passage.short_title.clone(),
        version: passage.version.clone(),
        language: passage.language,
        address: passage.address.clone(),
        label: passage.label.clone(),
        nature: passage.nature,
        digest: passage.digest,
        span,
        quote: span.of(&passage.text).unwrap_or_default().to_owned(),
        link: Link::Pinned,
        moves: None,
    }
}

fn finding(
    document: &Document,
    requirement: &Requirement,
    &(verdict, probability, quotes, read): &Row,
    passages: &[Passage],
) -> Finding {
    let evidence = |(index, quote): (usize, &&str), offset: usize| {
        let start = document.text.find(quote).unwrap_or_default();
        let segment = document
            .segments
            .iter()
            .find(|segment| segment.span.start == start);
        Evidence {
            id: format!("E{}", index + 1 + offset),
            page: segment.and_then(|segment| segment.page),
            heading_path: segment.map(|s| s.heading_path.clone()).unwrap_or_default(),
            span: Span::new(start, start + quote.len()),
            quote: (*quote).to_owned(),
            link: Link::Search(7.25 - index as f64),
            moves: None,
        }
    };
    let by_scope = verdict == NotApplicable;
    let of = |place: &&Passage| place.address == requirement.provisions[0].address;
    let mut citations: Vec<Citation> = Vec::new();
    if !by_scope {
        citations.extend(
            passages
                .iter()
                .find(of)
                .map(|passage| cite(passage, "P1", None)),
        );
        if requirement.id.contains("breach") {
            let words = "within two days of the hour at which it came to the host’s knowledge";
            citations.extend(
                passages
                    .last()
                    .map(|passage| cite(passage, "P2", Some(words))),
            );
        }
    }
    let evidence_ids: Vec<String> = (1..=quotes.len()).map(|n| format!("E{n}")).collect();
    let citation_ids: Vec<String> = citations.iter().map(|c| c.id.clone()).collect();
    let rest = (1.0 - probability) / 2.0;
    let chosen = if verdict == Undetermined {
        Missing
    } else {
        verdict
    };
    let distribution: BTreeMap<Verdict, f64> = [Satisfied, Violated, Missing]
        .into_iter()
        .map(|other| (other, if other == chosen { probability } else { rest }))
        .collect();
    let step = |text: String, rests_on: &[String]| Step {
        text,
        rests_on: rests_on.to_vec(),
    };
    let mut justification = Vec::new();
    if by_scope {
        justification.push(step(
            "The document uses none of the phrases that put a document in the scope of the pack."
                .into(),
            &[],
        ));
    } else {
        justification.push(step(
            "The requirement comes from the passages cited.".into(),
            &citation_ids,
        ));
        justification.push(step(format!("Of {} segments of the document, the {} that share most with the requirement were read.", document.segments.len(), quotes.len() + read.len()), &[]));
        justification.push(step(
            format!(
                "The model gives “{chosen}” a probability of {:.0} %.",
                probability * 100.0
            ),
            &evidence_ids,
        ));
        if !quotes.is_empty() {
            justification.push(step(
                "Without this evidence the probability falls to 21 %.".into(),
                &evidence_ids[..1],
            ));
        }
    }
    Finding {
        document: document.path.clone(),
        document_digest: Some(document.digest),
        requirement: Some(requirement.id.clone()),
        requirement_digest: Some(requirement.digest()),
        severity: Some(requirement.severity),
        verdict,
        decided_by: if by_scope {
            DecidedBy::Scope
        } else {
            DecidedBy::Model
        },
        probability: (!by_scope).then_some(probability),
        distribution: if by_scope {
            BTreeMap::new()
        } else {
            distribution
        },
        sufficient: None,
        without: None,
        calibrated: false,
        evidence: quotes
            .iter()
            .enumerate()
            .map(|pair| evidence(pair, 0))
            .collect(),
        also_read: read
            .iter()
            .enumerate()
            .map(|pair| evidence(pair, quotes.len()))
            .collect(),
        citations,
        justification,
        commentary: None,
        not_assessed: None,
    }
}

fn not_assessed(unreadable: &Unreadable) -> Finding {
    Finding {
        document: unreadable.path.clone(),
        document_digest: unreadable.digest,
        requirement: None,
        requirement_digest: None,
        severity: None,
        verdict: Verdict::NotAssessed,
        decided_by: DecidedBy::Reading,
        probability: None,
        distribution: BTreeMap::new(),
        sufficient: None,
        without: None,
        calibrated: false,
        evidence: vec![],
        also_read: vec![],
        citations: vec![],
        justification: vec![],
        commentary: None,
        not_assessed: Some(unreadable.reason),
    }
}
