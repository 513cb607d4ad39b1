"""Makes the labelled sets for `konform eval` that the built-in model is calibrated on, besides
ContractNLI: our held-out documents (`calibration/`), and documents about statements that training
never sees."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import documents
from clauses import spell, statements

HERE = Path(__file__).parent
VERDICT = {"+": "satisfied", "-": "violated"}
# What each letter means for a statement that must not be true.
TURNED = {"satisfied": "violated", "violated": "satisfied", "missing": "satisfied"}


def of_packs(out: Path) -> int:
    """Writes the held-out documents as files, and `packs.jsonl` with a label for each requirement."""
    requirements = documents.Requirements(HERE.parent / "rules")
    lines, labels = [], 0
    for file in sorted((HERE / "calibration").glob("*/*.md")):
        pack = file.parent.name
        language = file.stem.rsplit(".", 1)[1]
        marked = file.read_text(encoding="utf-8")
        text, spans = documents.plain(marked)
        target = out / "packs" / pack / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        name = f"{pack}/{file.name}"
        lines.append({"document": name, "file": f"packs/{name}", "language": language})
        document = documents.Marked(file.stem, pack, language, documents.segments(marked))
        for requirement in requirements.packs[pack]:
            sign = document.sign(requirement["id"])
            if sign is None:
                continue
            verdict = VERDICT.get(sign, "missing")
            if requirement["kind"] == "must-not":
                verdict = TURNED[verdict]
            quotes = [unmarked(text[a:b]) for a, b, own, _ in spans if own == requirement["id"]]
            label = {"document": name, "requirement": f"{pack}/{requirement['id']}", "verdict": verdict, "quotes": quotes}
            lines.append(label)
            labels += 1
    write(out / "packs.jsonl", lines)
    return labels


def unmarked(words: str) -> str:
    """Words of a Markdown line as a reader sees them."""
    return re.sub(r"^(?:[-*] |\d+\. )", "", words.replace("**", "").replace("*", "").strip())


def of_strangers(out: Path, seed: int, each: int = 2) -> int:
    """Writes `unseen.jsonl`: for each held-out statement documents that make it true, say the contrary,
    and are silent, put together from sentences."""
    rng = random.Random(seed)
    every = statements(HERE / "statements")
    held_out = every[5::8]
    lines, labels = [], 0
    for number, topic in enumerate(held_out):
        name = f"unseen/s{number}"
        lines.append({"requirement": name, "statement": topic.statement, "language": topic.language})
        others = [t for t in held_out if t is not topic and t.language == topic.language]
        for verdict, own in (("satisfied", topic.says), ("violated", topic.denies), ("missing", ())):
            for copy in range(each):
                said = rng.sample(own, min(len(own), rng.choice((1, 1, 2))))
                said += rng.sample(topic.near, min(len(topic.near), rng.randint(1, 3)))
                for other in rng.sample(others, min(len(others), 7)):
                    side = rng.choice([other.says, other.denies, other.near])
                    said += rng.sample(side, min(len(side), 2))
                rng.shuffle(said)
                said = [spell(text, topic.language, rng) for text in said]
                document, ranges, at = f"s{number}-{verdict}-{copy}", [], 0
                for text in said:
                    size = len(text.encode())
                    ranges.append([at, at + size])
                    at += size + 1
                lines.append(
                    {"document": document, "text": "\n".join(said), "language": topic.language, "segments": ranges}
                )
                lines.append({"document": document, "requirement": name, "verdict": verdict})
                labels += 1
    write(out / "unseen.jsonl", lines)
    return labels


def write(file: Path, lines: list[dict]) -> None:
    """Writes JSON Lines."""
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
