"""Cases from our own clauses: documents put together from clauses that say, deny or only touch a
requirement, among clauses of other requirements and sentences about something else."""

from __future__ import annotations

import random
from collections import defaultdict

from clauses import Topic, part, spell
from prompts import Case, Line

# What a segment does to the requirement that it is about.
SAYS, DENIES, NEAR = range(3)
# Requirements whose clauses often bear on each other: what one says is seldom taken for silence on another.
ALIKE = {
    "gdpr-dpa-art28": (
        {"subject-matter", "nature-purpose", "data-categories"},
        {"instructions", "own-purposes", "unlawful-instructions", "transfers"},
        {"subprocessor-authorisation", "subprocessor-flow-down", "transfers"},
        {"confidentiality", "security"},
        {"assistance", "data-subject-requests", "breach-notice"},
    ),
    "gdpr-privacy-notice": (
        {"purposes", "legal-basis", "legitimate-interests", "consent-withdrawal"},
        {"controller-identity", "representative", "dpo-contact"},
        {"recipients", "transfers", "data-source"},
        {"rights-access-erasure", "rights-restriction-objection", "rights-portability", "consent-withdrawal"},
        {"automated-decisions", "purposes"},
        {"obligation-to-provide", "legal-basis", "data-source"},
    ),
    "mutual-nda": (
        {"definition", "exclusions", "mutuality"},
        {"use-restriction", "no-residuals", "need-to-know", "standard-of-care", "mutuality", "no-licence"},
        {"governing-law", "jurisdiction", "remedies"},
        {"term-survival", "return-destruction"},
        {"no-obligation", "no-licence", "no-non-compete", "no-residuals"},
        {"compelled-disclosure", "exclusions", "need-to-know"},
    ),
    "ai-act-high-risk": (
        {"risk-identification", "risk-cycle", "residual-risk"},
        {"data-origin", "representativeness", "bias"},
        {"automatic-logging", "log-coverage"},
        {"override-stop", "output-interpretation", "automation-bias"},
        {"accuracy", "robustness", "cybersecurity"},
    ),
}


def alike(a: Topic, b: Topic) -> bool:
    """Whether a clause of one topic may well bear on the other."""
    if a.pack != b.pack:
        return False
    return any({a.requirement, b.requirement} <= group for group in ALIKE.get(a.pack, ()))


def generated(
    topics: list[Topic],
    noise: dict[str, list[str]],
    laws: dict[str, list[tuple[str, str]]],
    count: int,
    seed: int,
    numbers: dict[tuple[str, str], int],
    unseen: bool = False,
) -> list[Case]:
    """Makes cases from clauses; with `unseen` only of the held-out patterns, else without them.

    `numbers` are those of the requirements of packs; of other statements nothing is told `about`.
    """
    rng = random.Random(seed)
    groups: dict[tuple[str, str], list[Topic]] = defaultdict(list)
    for topic in topics:
        groups[topic.pack, topic.language].append(topic)

    def draw(patterns: tuple[str, ...], language: str) -> str | None:
        some = part(patterns, unseen)
        return spell(rng.choice(some), language, rng) if some else None

    made: list[Case] = []
    while len(made) < count:
        topic = rng.choice(topics)
        language = topic.language
        letter = rng.choices("ABC", [0.36, 0.32 if topic.denies else 0.0, 0.32])[0]
        found: list[tuple[str, str, Topic | None, int]] = []
        if letter != "C":
            for _ in range(rng.choice((1, 1, 1, 2))):
                text = draw(topic.says if letter == "A" else topic.denies, language)
                if text:
                    found.append((text, letter, topic, SAYS if letter == "A" else DENIES))
            if not found:
                continue
        for _ in range(rng.randint(1, 5)):
            way = rng.random()
            if topic.near and way < 0.45:
                text, about, way = draw(topic.near, language), topic, NEAR
            elif way < 0.8:
                about = rng.choice([t for t in groups[topic.pack, language] if t is not topic] or [topic])
                if about is topic or (alike(about, topic) and rng.random() < 0.8):
                    continue
                way = DENIES if about.denies and rng.random() < 0.35 else SAYS
                text = draw(about.denies if way == DENIES else about.says, language)
            else:
                text, about, way = rng.choice(noise[language]), None, NEAR
            if text:
                found.append((text, "C", about, way))
        rng.shuffle(found)
        lines = []
        for text, _, about, _ in found:
            # Headings name the subject, seldom another.
            named = about if rng.random() < 0.85 else rng.choice(topics)
            heading = named.title if named and rng.random() < 0.3 else ""
            lines.append(Line(text, heading))
        passages = []
        if topic.provisions and laws.get(language) and rng.random() < 0.15:
            passages = rng.sample(laws[language], k=rng.choice((1, 2)))
        made.append(
            Case(
                topic.statement,
                lines,
                [letter for _, letter, _, _ in found],
                letter,
                topic.kind,
                passages,
                f"{topic.pack}/{topic.requirement}/{language}",
                about=about_of(found, numbers) if (topic.pack, topic.requirement) in numbers else [],
            )
        )
    return made


def about_of(found: list, numbers: dict[tuple[str, str], int]) -> list[tuple[int, int]]:
    """For each segment the number of its requirement (0: none) and what it does to it."""
    return [(numbers[topic.pack, topic.requirement] if topic else 0, way) for _, _, topic, way in found]
