"""Measures the built-in model by `konform eval` and writes its calibration.

Packs with labelled documents of their own (ContractNLI's dev split, our held-out documents) get a
calibration each; what holds for every other pack is found on statements that training never saw.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import labelled

# How the built-in model is asked: each segment alone, no law, its leaning left as training made it.
ASKED = ["--reading", "each", "--max-evidence", "16", "--max-passages", "0", "--balanced", "no"]


def measure(konform: Path, model: Path, file: Path, out: Path, more: list[str]) -> dict:
    """Runs `konform eval` without a calibration and gives the one that it finds."""
    command = [konform, "eval", file, "--out", out, "--model", model, "--calibration", "none", *ASKED, *more]
    subprocess.run([str(part) for part in command], check=True)
    return json.loads((out / "calibration.json").read_text(encoding="utf-8"))


def main() -> None:
    """Writes `MODEL.calibration.json`, as `models/builtin.calibration.json` for `models/builtin.gguf`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="where figures go")
    parser.add_argument("--konform", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    out = options.out
    print(f"{labelled.of_packs(out)} labels of held-out documents, {labelled.of_strangers(out, 1)} of unseen statements")
    nli = options.data / "benchmarks" / "contract-nli"
    sets = [
        (out / "unseen.jsonl", out / "eval-unseen", []),
        # They keep clear of the usual phrases, which scopes look for.
        (out / "packs.jsonl", out / "eval-packs", ["--ignore-scope"]),
        (nli / "dev.json", out / "eval-contract-nli", ["--train", nli / "train_truncated.json"]),
    ]
    unseen, packs, contracts = (measure(options.konform, options.model, *of) for of in sets)
    unseen["packs"] = {**packs["packs"], **contracts["packs"]}
    file = options.model.with_suffix(".calibration.json")
    file.write_text(json.dumps(unseen, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
