"""The judging prompt, byte for byte as `crates/judge/src/prompt.rs` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

FORCE = {"must": "must", "must-not": "must not", "should": "should"}
TASK = (
    "You check one statement against a document. Judge from the evidence alone. "
    "Is the statement true of the document? "
    "A = yes, B = no, the contrary, C = not addressed, D = not applicable\n\n"
)


@dataclass(frozen=True)
class Line:
    """One segment of a document: its words and the heading that it stands under."""

    words: str
    heading: str = ""


@dataclass
class Case:
    """A statement and the segments of one document that were found for it, in their order.

    `letters` holds what each segment alone says of the statement (A, B or C), `letter` what the
    document says (empty where there is no document), `soft` a teacher's probabilities of the
    letters for each segment, `numbers` the teacher's numbers of the segments, `about` the
    number of the requirement that each segment is about (0 for none) and whether it says, denies or
    only touches it.
    """

    statement: str
    lines: list[Line]
    letters: list[str]
    letter: str
    kind: str = "must"
    passages: list[tuple[str, str]] = field(default_factory=list)
    source: str = ""
    soft: list[tuple[float, float, float]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    about: list[tuple[int, int]] = field(default_factory=list)


def fold(text: str) -> str:
    """Folds white space to single spaces."""
    return " ".join(text.split())


def shared_text(statement: str, kind: str, passages: list[tuple[str, str]] = ()) -> str:
    """The part behind `TASK` that repeats over documents; the first piece of evidence follows."""
    text = ""
    if passages:
        text += "Law:\n"
        for number, (label, words) in enumerate(passages, 1):
            text += f"[P{number}] {label}: {fold(words)}\n"
        text += "\n"
    return text + f"Statement ({FORCE[kind]}): {fold(statement)}\n\nEvidence:\n[E1]\n"


def own_text(lines: list[Line]) -> str:
    """The part of one document."""
    text = ""
    for number, line in enumerate(lines, 1):
        label = f"[E{number}]\n" if number > 1 else ""
        heading = f"({fold(line.heading)}) " if line.heading else ""
        text += f"{label}{heading}{fold(line.words)}\n"
    return text


def main() -> None:
    """Writes the prompts of `fixtures/prompts/golden.json` anew; both languages are held to them."""
    path = Path(__file__).parent.parent / "fixtures" / "prompts" / "golden.json"
    cases = json.loads(path.read_text(encoding="utf-8"))
    for case in cases:
        passages = [(one["label"], one["text"]) for one in case["passages"]]
        lines = [Line(one["words"], one["heading"]) for one in case["evidence"]]
        case["task"] = TASK
        case["shared"] = shared_text(case["statement"], case["kind"], passages)
        case["own"] = own_text(lines)
    path.write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
