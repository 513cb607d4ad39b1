"""Examples for the judge: our own clauses, and contracts that people labelled."""

from __future__ import annotations

import csv
import json
import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

from clauses import Topic, held_out, spell
from prompts import Example

LABELS = {"0": "A", "1": "B", "2": "C"}
CHOICES = {"Entailment": "A", "Contradiction": "B", "NotMentioned": "C"}
LIMIT = 600


def generated(
    topics: list[Topic],
    noise: dict[str, list[str]],
    laws: dict[str, list[tuple[str, str]]],
    count: int,
    seed: int,
    unseen: bool = False,
    sizes: tuple[int, ...] = (1, 2, 3, 4, 4, 4),
    law_share: float = 0.35,
) -> list[Example]:
    """Makes examples from clauses; with `unseen` only of the held-out texts, else without them."""
    rng = random.Random(seed)
    by_group: dict[tuple[str, str], list[Topic]] = defaultdict(list)
    for topic in topics:
        by_group[topic.pack, topic.language].append(topic)
    made: list[Example] = []

    def draw(patterns: tuple[str, ...], language: str) -> str | None:
        for _ in range(40):
            text = spell(rng.choice(patterns), language, rng)
            if held_out(text) == unseen:
                return text
        return None

    while len(made) < count:
        topic = rng.choice(topics)
        letter = rng.choices("ABC", [0.36, 0.3 if topic.denies else 0.0, 0.34])[0]
        size = rng.choice(sizes)
        others = [t for t in by_group[topic.pack, topic.language] if t is not topic]
        evidence: list[tuple[str, bool]] = []
        if letter in "AB":
            text = draw(topic.says if letter == "A" else topic.denies, topic.language)
            if text is None:
                continue
            evidence.append((text, True))
        while len(evidence) < size:
            if rng.random() < 0.6:
                other = rng.choice(others)
                side = other.denies if other.denies and rng.random() < 0.35 else other.says
                if text := draw(side, topic.language):
                    evidence.append((text, False))
            else:
                evidence.append((rng.choice(noise[topic.language]), False))
        rng.shuffle(evidence)
        passages = []
        if topic.provisions and laws.get(topic.language) and rng.random() < law_share:
            passages = rng.sample(laws[topic.language], k=1 if rng.random() < 0.6 else 2)
        made.append(
            Example(
                topic.statement,
                [text for text, _ in evidence],
                letter,
                topic.kind,
                passages,
                [n for n, (_, own) in enumerate(evidence, 1) if own],
                f"{topic.pack}/{topic.requirement}/{topic.language}",
            )
        )
    return made


def pieces(text: str) -> list[str]:
    """Splits a contract clause as konform's reader does: sentences, at most 600 bytes each."""
    found = []
    for part in re.split(r"\n+|(?<=[.;])\s+(?=[A-Z(\"“])", text):
        part = " ".join(part.split())
        while len(part.encode()) > LIMIT:
            cut = max(part.rfind(mark, 0, LIMIT - 50) for mark in ("; ", ", ", " "))
            cut = cut if cut > 100 else LIMIT - 50
            found.append(part[:cut].strip())
            part = part[cut:].lstrip("; ,")
        if len(part) > 20:
            found.append(part)
    return found


def contract_pairs(file: Path, seed: int) -> list[Example]:
    """Reads ContractNLI's training pairs; spans become up to four pieces of evidence."""
    rng = random.Random(seed)
    made = []
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            parts = pieces(row["concatenated_spans"])
            letter = LABELS[row["label"]]
            if not parts or (letter != "C" and len(parts) > 4):
                continue
            parts = parts if len(parts) <= 4 else rng.sample(parts, 4)
            chosen = list(range(1, len(parts) + 1)) if letter != "C" else []
            made.append(Example(row["hypothesis"], parts, letter, "must", [], chosen, "nli"))
    return made


class Bm25:
    """Ranks the segments of one document, much as konform's index does."""

    def __init__(self, segments: list[str]) -> None:
        self.counts = [Counter(words(segment)) for segment in segments]
        self.mean = sum(sum(c.values()) for c in self.counts) / max(len(segments), 1)
        seen = Counter(word for counts in self.counts for word in counts)
        self.weight = {
            word: math.log(1 + (len(segments) - n + 0.5) / (n + 0.5)) for word, n in seen.items()
        }

    def best(self, query: str, limit: int) -> list[int]:
        """The indices of the best segments, best first."""
        scores = []
        for index, counts in enumerate(self.counts):
            length = 0.25 + 0.75 * sum(counts.values()) / max(self.mean, 1)
            score = sum(
                self.weight.get(word, 0) * counts[word] * 2.2 / (counts[word] + 1.2 * length)
                for word in set(words(query))
            )
            scores.append((-score, index))
        return [index for score, index in sorted(scores)[:limit] if score < 0]


def words(text: str) -> list[str]:
    """Lower-case words, cut to a stem of six letters."""
    return [word[:6] for word in re.findall(r"[^\W\d_]{3,}", text.lower())]


def contract_documents(file: Path, seed: int, evidence_known: bool) -> list[Example]:
    """Reads whole NDAs: evidence by search; with `evidence_known` labelled spans are put in."""
    rng = random.Random(seed)
    corpus = json.loads(file.read_text(encoding="utf-8"))
    made = []
    for document in corpus["documents"]:
        segments, origin = [], []
        for number, (start, end) in enumerate(document["spans"]):
            for part in pieces(document["text"][start:end]):
                segments.append(part)
                origin.append(number)
        index = Bm25(segments)
        for key, label in document["annotation_sets"][0]["annotations"].items():
            hypothesis = corpus["labels"][key]["hypothesis"]
            letter = CHOICES[label["choice"]]
            best = index.best(hypothesis, 4)
            gold = [i for i, number in enumerate(origin) if number in set(label["spans"])]
            if evidence_known and gold and not set(best) & set(gold):
                keep = rng.sample(gold, min(2, len(gold)))
                best = (best + keep)[-4:] if len(best) < 4 else best[: 4 - len(keep)] + keep
            best = sorted(set(best))
            if not best:
                continue
            chosen = [n for n, i in enumerate(best, 1) if i in gold]
            if evidence_known and letter != "C" and not chosen:
                continue
            made.append(
                Example(hypothesis, [segments[i] for i in best], letter, "must", [], chosen, "nli")
            )
    return made
