"""Makes a labelled set for `konform eval` out of AIReg-Bench: excerpts of technical documentation
of high-risk AI systems, each written for one article of the AI Act and graded by experts.

    aireg.py --data ../shared/data/benchmarks/aireg-bench --out aireg.jsonl

An excerpt has one label, for a requirement that stands for its whole article. The grade is the
median of the experts' grades (1: compliance is very unlikely, 5: very likely); the verdict is
`satisfied` from 4 on, `violated` up to 2, and `missing` for 3, which is neither.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

GOLD = "gold_uses_1_to_4.jsonl"

# Article: title, what a document says that meets the article as a whole, words of such documents.
ARTICLES: dict[int, tuple[str, str, list[str]]] = {
    9: (
        "Risk management",
        "The provider runs a risk management process that is planned, repeated and updated over "
        "the system's life: it finds and rates the risks of intended use and foreseeable misuse, "
        "brings what remains down to an acceptable level, tests against limits set beforehand, and "
        "heeds minors and other vulnerable people.",
        [
            "risk management system lifecycle regular review update",
            "identification of known and foreseeable risks intended use misuse",
            "mitigation measures residual risk judged acceptable",
            "testing before release against metrics and thresholds",
            "post-market monitoring data feed risk reassessment",
            "minors vulnerable groups adverse impact",
            "risks not considered review omitted no update",
        ],
    ),
    10: (
        "Data and data governance",
        "The data for training, validation and testing are governed: their origin and preparation "
        "are known, they are relevant, representative and nearly free of errors for the people and "
        "places of intended use, biases are looked for and countered, and gaps are filled.",
        [
            "training validation testing data sets origin collection",
            "annotation labelling cleaning preparation assumptions",
            "representative of the population geographical setting statistical properties",
            "bias examination detection mitigation fairness discrimination",
            "data gaps shortcomings underrepresented",
            "special categories of personal data safeguards pseudonymisation deletion",
            "bias not examined groups not covered",
        ],
    ),
    12: (
        "Logs",
        "The system by itself records events during its whole life, in enough detail to trace how "
        "it worked, to notice risks and substantial changes, and to monitor it after the sale and "
        "at work.",
        [
            "automatic logging of events audit trail timestamps",
            "logs kept over the lifetime of the system retention",
            "events that indicate risk anomalies errors overrides",
            "model updates configuration changes substantial modification recorded",
            "post-market monitoring operational monitoring log data",
            "events not logged manual records",
        ],
    ),
    14: (
        "Human oversight",
        "The system is designed so that people can oversee it: they understand its limits, read "
        "its results rightly, are warned against relying on it too much, and can set a result "
        "aside, step in or stop the system.",
        [
            "human oversight interface operator dashboard",
            "override disregard reverse output stop button intervene",
            "automation bias over-reliance warning training",
            "interpret output confidence explanation limitations",
            "anomalies alerts detect unexpected performance",
            "no override no stop function automatic decision without review",
        ],
    ),
    15: (
        "Accuracy, robustness and cybersecurity",
        "The system keeps a suitable level of accuracy, robustness and security for its whole "
        "life: its accuracy is measured and declared in the instructions, it withstands errors, "
        "faults and feedback loops, and it is protected against attacks that are peculiar to AI.",
        [
            "accuracy metrics precision recall declared in instructions for use",
            "robustness errors faults redundancy backup fail-safe",
            "feedback loops continuous learning biased outputs",
            "cybersecurity data poisoning model poisoning adversarial examples",
            "performance consistent over the lifecycle drift monitoring",
            "not tested no protection against attacks metrics not disclosed",
        ],
    ),
}


def verdict(median: int) -> str:
    """What a median grade says of the excerpt."""
    if median >= 4:
        return "satisfied"
    return "violated" if median <= 2 else "missing"


def requirement_id(article: int) -> str:
    """The name of the requirement that stands for an article."""
    return f"aireg/article-{article}"


def requirements() -> list[dict]:
    """The objects that say what is asked, one for each article."""
    return [
        {
            "requirement": requirement_id(article),
            "title": f"Art. {article}: {title}",
            "statement": statement,
            "kind": "must",
            "queries": queries,
            "language": "en",
        }
        for article, (title, statement, queries) in ARTICLES.items()
    ]


def excerpts(data: Path) -> list[dict]:
    """The objects of all graded excerpts: each a document, and behind it its label."""
    made = []
    for line in (data / GOLD).read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        text = (data / row["doc"]).read_text(encoding="utf-8")
        made.append({"document": row["id"], "text": text, "language": "en"})
        made.append(
            {
                "document": row["id"],
                "requirement": requirement_id(row["article"]),
                "verdict": verdict(row["median"]),
                "grade": row["median"],
            }
        )
    return made


def main() -> None:
    """Writes the set and tells what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help=f"the folder that holds {GOLD}")
    parser.add_argument("--out", type=Path, required=True, help="the labelled set, JSON Lines")
    options = parser.parse_args()
    objects = requirements() + excerpts(options.data)
    with options.out.open("w", encoding="utf-8", newline="\n") as stream:
        for one in objects:
            stream.write(json.dumps(one, ensure_ascii=False) + "\n")
    counts = Counter(one["verdict"] for one in objects if "verdict" in one)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{sum(counts.values())} labels: {told}")


if __name__ == "__main__":
    main()
