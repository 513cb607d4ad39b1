"""The judging prompt, byte for byte as `crates/judge/src/prompt.rs` writes it."""

from __future__ import annotations

from dataclasses import dataclass, field

FORCE = {"must": "must", "must-not": "must not", "should": "should"}


@dataclass
class Example:
    """One question to the judge and its answer (`letter` A, B, C or D; ids count from 1)."""

    statement: str
    evidence: list[str]
    letter: str
    kind: str = "must"
    passages: list[tuple[str, str]] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    source: str = ""


def fold(text: str) -> str:
    """Folds white space to single spaces."""
    return " ".join(text.split())


def shared_text(example: Example) -> str:
    """The part that repeats over documents."""
    text = "You check one statement against a document. Judge from the evidence alone.\n\n"
    if example.passages:
        text += "Law:\n"
        for number, (label, words) in enumerate(example.passages, 1):
            text += f"[P{number}] {label}: {fold(words)}\n"
        text += "\n"
    return text + f"Statement ({FORCE[example.kind]}): {fold(example.statement)}\n\n"


def own_text(example: Example) -> str:
    """The part of one document."""
    text = "Evidence:\n"
    for number, words in enumerate(example.evidence, 1):
        text += f"[E{number}] {fold(words)}\n"
    return (
        text + "\nIs the statement true of the document? "
        "A = yes, B = no, the contrary, C = not addressed, D = not applicable"
    )


def answer(example: Example) -> str:
    """The letter, then what it rests on."""
    ids = [f" E{number}" for number in example.chosen] if example.letter in "AB" else []
    return example.letter + "".join(ids) + "".join(
        f" P{number}" for number in range(1, len(example.passages) + 1)
    )
