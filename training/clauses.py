"""Clauses of our own: patterns with choices, spelled out, and plain sentences; for the requirements of
the rule packs, and for statements that no pack has."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

NAMES = {
    "P": ["Nordwind Data", "the processor", "Supplier", "Brisk Hosting", "the provider", "Lumen"],
    "C": ["Ambra Group", "the controller", "Customer", "Halden Foods", "the client", "Orsay"],
    "ORG": ["Calla", "Mistral Bau", "Verger"],
}
LOCAL = {
    "fr": {
        "P": ["le sous-traitant", "le prestataire", "Lumen", "le fournisseur", "Nordwind Data"],
        "C": ["le responsable", "le client", "Orsay", "le donneur d’ordre", "Verger"],
    },
    "de": {
        "P": ["der Auftragnehmer", "der Auftragsverarbeiter", "Lumen", "der Dienstleister"],
        "C": ["der Auftraggeber", "der Verantwortliche", "der Kunde", "Mistral Bau"],
    },
}
CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Topic:
    """A requirement in one language, with patterns that make it true, that say the contrary, and
    that speak of the matter and do neither."""

    pack: str
    requirement: str
    language: str
    kind: str
    statement: str
    title: str
    provisions: tuple[str, ...]
    says: tuple[str, ...]
    denies: tuple[str, ...]
    near: tuple[str, ...]


SIDES = ("says", "denies", "near")


def topics(rules: Path, clauses: Path) -> list[Topic]:
    """Reads every requirement of every pack in every language that has clauses: those with choices
    (`PACK.yaml`), then plain sentences (`sentences/PACK.yaml`, `sentences/PACK.*.yaml`)."""
    found = []
    for rule_file in sorted(rules.glob("*.yaml")):
        pack = yaml.safe_load(rule_file.read_text(encoding="utf-8"))
        more = sorted((clauses / "sentences").glob(f"{rule_file.stem}.*yaml"))
        files = [clauses / rule_file.name, *more]
        sources = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files if file.exists()]
        for requirement in pack["requirements"]:
            for language in requirement["statement"]:
                own = [source.get(requirement["id"], {}).get(language, {}) for source in sources]
                sides = [tuple(text for some in own for text in some.get(side, ())) for side in SIDES]
                if not any(sides):
                    continue
                found.append(
                    Topic(
                        pack["id"],
                        requirement["id"],
                        language,
                        requirement["kind"],
                        requirement["statement"][language],
                        requirement["title"][language],
                        tuple(requirement["provisions"]),
                        *sides,
                    )
                )
    return found


def statements(folder: Path) -> list[Topic]:
    """Reads statements that no rule pack has, each a requirement of its own (`statements/*.yaml`)."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        for number, entry in enumerate(yaml.safe_load(file.read_text(encoding="utf-8"))):
            sides = [tuple(entry.get(side) or ()) for side in SIDES]
            found.append(
                Topic(
                    f"statements/{file.stem}",
                    f"{number}",
                    entry["language"],
                    entry.get("kind", "must"),
                    entry["statement"],
                    "",
                    (),
                    *sides,
                )
            )
    return found


def spell(pattern: str, language: str, rng: random.Random) -> str:
    """Chooses one text of a pattern."""
    while match := CHOICE.search(pattern):
        choice = rng.choice(match[1].split("|"))
        pattern = pattern[: match.start()] + choice + pattern[match.end() :]
    names = {**NAMES, **LOCAL.get(language, {})}
    for slot, options in names.items():
        if f"<{slot}>" in pattern:
            pattern = pattern.replace(f"<{slot}>", rng.choice(options))
    pattern = pattern.replace("<BIG>", str(rng.choice([30, 60, 90, 120])))
    pattern = pattern.replace("<Y>", str(rng.randint(2018, 2026)))
    while "<N>" in pattern:
        pattern = pattern.replace("<N>", str(rng.choice([1, 2, 3, 5, 6, 7, 10, 12, 14, 24, 30])), 1)
    text = " ".join(pattern.split())
    text = text[:1].upper() + text[1:]
    prefix = rng.choice(["", "", "", f"{rng.randint(1, 20)}. ", f"{rng.randint(1, 9)}.{rng.randint(1, 9)} ", f"({rng.choice('abcdef')}) "])
    return prefix + text


def part(patterns: tuple[str, ...], unseen: bool) -> list[str]:
    """The patterns that training never sees, every sixth, or else all the others."""
    return [pattern for at, pattern in enumerate(patterns) if (at % 6 == 3) == unseen]
