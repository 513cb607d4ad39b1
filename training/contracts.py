"""Contracts that people labelled: ContractNLI's training split, and its dev split to measure by."""

from __future__ import annotations

import csv
import json
import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

from prompts import Case, Line

LABELS = {"0": "A", "1": "B", "2": "C"}
CHOICES = {"Entailment": "A", "Contradiction": "B", "NotMentioned": "C"}
LIMIT = 600


def pieces(text: str) -> list[str]:
    """Splits a text as konform's reader does: sentences, at most 600 bytes each."""
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


def whole(file: Path, limit: int, evidence_known: bool) -> list[Case]:
    """Reads whole NDAs: the best `limit` segments for each hypothesis in the order of the text.

    With `evidence_known` the labelled spans are among them, as training needs; without, only what
    the search finds, as in use.
    """
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
            gold = {i for i, number in enumerate(origin) if number in set(label["spans"])}
            best = set(index.best(hypothesis, limit))
            if evidence_known:
                best |= gold
            order = sorted(best)
            letters = [letter if i in gold else "C" for i in order]
            lines = [Line(segments[i]) for i in order]
            made.append(Case(hypothesis, lines, letters, letter, source=f"nli/{key}"))
    return made


def excerpts(file: Path, limit: int, seed: int) -> list[Case]:
    """Reads the training pairs. They quote, of each NDA, the evidence for one hypothesis, or three
    other spans where there is none; all quotes of one NDA together stand for its text.
    """
    rng = random.Random(seed)
    documents: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            documents[row["num_spans"], row["num_tokens"]].append(row)
    made = []
    for rows in documents.values():
        segments: list[str] = []
        known: dict[str, int] = {}
        evidence: list[set[int]] = []
        for row in rows:
            own = set()
            for part in pieces(row["concatenated_spans"]):
                if part not in known:
                    known[part] = len(segments)
                    segments.append(part)
                own.add(known[part])
            evidence.append(own)
        index = Bm25(segments)
        for row, own in zip(rows, evidence, strict=True):
            letter = LABELS[row["label"]]
            gold = own if letter != "C" else set()
            best = gold | set(index.best(row["hypothesis"], limit))
            order = sorted(best)
            rng.shuffle(order)
            letters = [letter if i in gold else "C" for i in order]
            lines = [Line(segments[i]) for i in order]
            made.append(Case(row["hypothesis"], lines, letters, letter, source="nli"))
    return made
