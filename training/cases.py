"""Cases from our own clauses: documents put together from clauses that say, deny or only touch a
requirement, among clauses of other requirements and sentences about something else."""

from __future__ import annotations

import random
from collections import defaultdict

from clauses import Topic, part, spell
from prompts import Case, Line

# What a segment does to the requirement that it is about.
SAYS, DENIES, NEAR = range(3)


def generated(
    topics: list[Topic],
    noise: dict[str, list[str]],
    laws: dict[str, list[tuple[str, str]]],
    count: int,
    seed: int,
    unseen: bool = False,
) -> list[Case]:
    """Makes cases from clauses; with `unseen` only of the held-out patterns, else without them."""
    rng = random.Random(seed)
    groups: dict[tuple[str, str], list[Topic]] = defaultdict(list)
    for topic in topics:
        groups[topic.pack, topic.language].append(topic)
    names = sorted({(topic.pack, topic.requirement) for topic in topics})
    numbers = {name: number for number, name in enumerate(names, 1)}

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
                about = rng.choice([t for t in groups[topic.pack, language] if t is not topic])
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
                about=[(numbers[a.pack, a.requirement] if a else 0, way) for _, _, a, way in found],
            )
        )
    return made
