"""Documents of our own with the words marked that make a requirement's statement true (`+`) or its
contrary (`-`): `[[+security,-audits:: words]]`. What is not marked says nothing about any
requirement of the pack."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from contracts import Bm25, pieces
from prompts import Case, Line

MARK = re.compile(r"\[\[([+-][a-z-]+(?:,[+-][a-z-]+)*):: (.*?)\]\]", re.S)
LETTER = {"+": "A", "-": "B"}
# What a segment does to the requirement that it is about; as in `cases.py`.
DOES = {"+": 0, "-": 1}


@dataclass(frozen=True)
class Segment:
    """A sentence or a cell, the heading it stands under, and the signs of the requirements that it bears on."""

    words: str
    heading: str
    signs: dict[str, str]


@dataclass(frozen=True)
class Marked:
    """A document of a pack with its segments in their order."""

    name: str
    pack: str
    language: str
    segments: list[Segment]

    def sign(self, requirement: str) -> str | None:
        """What the document says of a requirement: `+`, `-`, or nothing (an empty string); `None`
        where it says both."""
        found = {segment.signs[requirement] for segment in self.segments if requirement in segment.signs}
        return None if len(found) > 1 else next(iter(found), "")


def read(folder: Path) -> list[Marked]:
    """Reads `PACK/NAME.LANGUAGE.md` below a folder."""
    found = []
    for file in sorted(folder.glob("*/*.md")):
        name, language = file.stem.rsplit(".", 1)
        found.append(Marked(name, file.parent.name, language, segments(file.read_text(encoding="utf-8"))))
    return found


def plain(text: str) -> tuple[str, list[tuple[int, int, str, str]]]:
    """The text without its marks, and for each mark where its words stand, its requirement and sign."""
    out, spans, at, size = [], [], 0, 0
    for match in MARK.finditer(text):
        out += [text[at : match.start()], match[2]]
        size += match.start() - at
        spans += [(size, size + len(match[2]), sign[1:], sign[0]) for sign in match[1].split(",")]
        size += len(match[2])
        at = match.end()
    out.append(text[at:])
    return "".join(out), spans


def segments(text: str) -> list[Segment]:
    """Cuts a text into segments, much as konform's reader does."""
    text, spans = plain(text)
    found, heading, at = [], "", 0
    for block in re.split(r"(\n+)", text):
        start, at = at, at + len(block)
        line = block.strip()
        if not line or re.fullmatch(r"[|\s:-]+|---+", line):
            continue
        if title := re.match(r"#+ (.*)", line):
            heading = title[1]
            continue
        cells = [cell for cell in line.strip("|").split("|")] if line.startswith("|") else [line]
        place = start
        for cell in cells:
            for part in pieces_of(re.sub(r"^(?:[-*] |\d+\. (?=\S))", "", cell.strip())):
                # Where the segment stands, so that marks are found again.
                begin = text.find(part, place, at)
                if begin < 0:
                    begin, end = place, at
                else:
                    end = begin + len(part)
                    place = end
                signs = {name: sign for a, b, name, sign in spans if min(b, end) - max(a, begin) > 8 or a >= begin and b <= end}
                found.append(Segment(part.replace("**", "").replace("*", ""), heading, signs))
    return found


def pieces_of(text: str) -> list[str]:
    """Sentences; a short one, as a cell may hold, is one as well."""
    parts = pieces(text)
    return parts if parts and " ".join(parts) == text else ([text] if len(text) > 2 and len(text) < 600 else parts)


class Requirements:
    """Statement, kind and search words of every requirement, from the rule packs."""

    def __init__(self, rules: Path) -> None:
        self.packs: dict[str, list[dict]] = {}
        for file in sorted(rules.glob("*.yaml")):
            pack = yaml.safe_load(file.read_text(encoding="utf-8"))
            self.packs[pack["id"]] = pack["requirements"]
        names = sorted((pack, r["id"]) for pack, some in self.packs.items() for r in some)
        # Number 0 is no requirement.
        self.numbers = {name: number for number, name in enumerate(names, 1)}


def examples(
    marked: list[Marked], requirements: Requirements, seed: int, count: int | None = None, limit: int = 16
) -> list[Case]:
    """A case for each document and requirement of its pack: the best segments by search, as in use.

    With a `count` that many are drawn for training: fewer segments, and what is labelled is among them.
    """
    rng = random.Random(seed)
    every = [(document, r) for document in marked for r in requirements.packs[document.pack]]
    if count is not None:
        # Silence is what most cases end in; what says something is drawn more often.
        weights = [{"+": 1.0, "-": 1.6, "": 0.8, None: 0.3}[document.sign(r["id"])] for document, r in every]
        every = rng.choices(every, weights, k=count) if every else []
    indexes: dict[str, Bm25] = {}
    made = []
    for document, requirement in every:
        key = f"{document.pack}/{document.name}/{document.language}"
        if key not in indexes:
            indexes[key] = Bm25([segment.words for segment in document.segments])
        language = document.language
        statement = requirement["statement"][language]
        query = " ".join([statement, *requirement.get("queries", {}).get(language, [])])
        best = indexes[key].best(query, limit)
        gold = [i for i, segment in enumerate(document.segments) if requirement["id"] in segment.signs]
        if count is not None:
            best = rng.sample(best, min(len(best), rng.randint(4, 9)))
            best += [i for i in gold if i not in best]
            rng.shuffle(best)
        else:
            best.sort()
        if not best:
            continue
        own = [document.segments[i] for i in best]
        sign = document.sign(requirement["id"])
        lines = [Line(s.words, s.heading if count is None or rng.random() < 0.7 else "") for s in own]
        letters = [LETTER.get(s.signs.get(requirement["id"], ""), "C") for s in own]
        about = []
        for s in own:
            single = next(iter(s.signs.items())) if len(s.signs) == 1 else None
            about.append((requirements.numbers[document.pack, single[0]], DOES[single[1]]) if single else (-100, -100))
        made.append(
            Case(
                statement,
                lines,
                letters,
                "" if sign is None else LETTER.get(sign, "C"),
                requirement["kind"],
                source=f"{document.pack}/{requirement['id']}/{language}",
                about=about if count is not None else [],
            )
        )
    return made
