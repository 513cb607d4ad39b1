"""Teaches the judgement: letter and ids after konform's prompt."""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

import torch
import torch.nn.functional as F

import data
import tokenizer
from clauses import topics
from model import PRESETS, Decoder, Shape
from prompts import Example, answer, own_text, shared_text

HERE = Path(__file__).parent
ROOT = HERE.parent
LETTERS = "ABCD"
# Examples of clauses a round, how many segments they show, share with passages, and contracts
# beside them: short prompts first, because a match is learnt between two lines before it is learnt
# among five.
SCHEDULE = [
    (6000, (1,), 0.0, 0.15),
    (6000, (1,), 0.0, 0.15),
    (4500, (1, 1, 2), 0.1, 0.25),
    (4000, (1, 2, 3, 4), 0.25, 0.4),
    (3500, (1, 2, 3, 4, 4, 4), 0.35, 0.6),
    (3500, (2, 3, 4, 4, 4, 4), 0.35, 0.7),
]


def encode(pieces, example: Example) -> tuple[list[int], list[int]]:
    """The prompt's tokens and the answer's, each part tokenized on its own."""
    prompt = [tokenizer.BOS, tokenizer.INST, *pieces.encode(shared_text(example))]
    prompt += [*pieces.encode(own_text(example)), tokenizer.INST_END]
    return prompt, [*pieces.encode(answer(example)), tokenizer.EOS]


def laws(corpora: Path) -> dict[str, list[tuple[str, str]]]:
    """Paragraphs of our digests, as passages."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for file in sorted(corpora.glob("*.md")):
        language = file.stem.split(".")[-1]
        article = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"## (Art\. \d+)", line):
                article = match[1]
            elif match := re.match(r"\s*(?:- )?(\(\w+\)) (.{30,})", line):
                found[language].append((f"{article}{match[1]} GDPR", match[2][:400]))
    return found


def noise(source: Path, seed: int) -> dict[str, list[str]]:
    """Sentences that are about something else, per language."""
    rng = random.Random(seed)
    texts = {"en": [], "fr": [], "de": []}
    if source.exists():
        for text in tokenizer.sample_text(source, 1_500_000, seed):
            parts = data.pieces(text[:6000])
            common = Counter(re.findall(r"\b(?:the|of|le|les|des|der|die|und)\b", text.lower()))
            sums = {
                "en": common["the"] + common["of"],
                "fr": common["le"] + common["les"] + common["des"],
                "de": common["der"] + common["die"] + common["und"],
            }
            texts[max(sums, key=sums.get)].extend(part for part in parts if len(part) > 40)
    for language, parts in texts.items():
        rng.shuffle(parts)
        texts[language] = parts[:20000] or ["…"]
    return texts


def batches(rows, budget: int, rng: random.Random):
    """Groups rows of like length into batches of about `budget` tokens."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]) + rng.random() * 30)
    groups, group = [], []
    for index in order:
        longest = max(len(rows[i][0]) + len(rows[i][1]) for i in [*group, index])
        if group and longest * (len(group) + 1) > budget:
            groups.append(group)
            group = []
        group.append(index)
    groups.append(group)
    rng.shuffle(groups)
    return groups


def collate(rows, device):
    """Pads rows; targets are -1 outside of answers, weights favour the letter."""
    width = max(len(prompt) + len(reply) for prompt, reply in rows) - 1
    tokens = torch.zeros(len(rows), width, dtype=torch.long)
    targets = torch.full((len(rows), width), -1)
    weights = torch.zeros(len(rows), width)
    for at, (prompt, reply) in enumerate(rows):
        line = prompt + reply
        tokens[at, : len(line) - 1] = torch.tensor(line[:-1])
        start = len(prompt) - 1
        targets[at, start : start + len(reply)] = torch.tensor(reply)
        weights[at, start : start + len(reply)] = 0.05
        weights[at, start] = 1.0
    return tokens.to(device), targets.to(device), weights.to(device)


@torch.no_grad()
def predict(decoder, pieces, examples: list[Example], device) -> list[list[float]]:
    """The probabilities of the four letters for each example."""
    decoder.eval()
    ids = [pieces.encode(letter)[0] for letter in LETTERS]
    found = []
    for example in examples:
        prompt, _ = encode(pieces, example)
        hidden = decoder(torch.tensor([prompt[-1500:]], device=device))[0, -1]
        found.append(decoder.logits(hidden)[ids].float().softmax(-1).tolist())
    decoder.train()
    return found


def figures(examples: list[Example], predicted: list[list[float]]) -> dict[str, float]:
    """Accuracy, macro-F1 over A, B and C, and the accuracy of always saying the most frequent."""
    pairs = [(e.letter, LETTERS[p.index(max(p))]) for e, p in zip(examples, predicted, strict=True)]
    scores = []
    for letter in "ABC":
        hit = sum(a == b == letter for a, b in pairs)
        said, true = sum(b == letter for _, b in pairs), sum(a == letter for a, _ in pairs)
        scores.append(2 * hit / (said + true) if said + true else 0.0)
    counts = Counter(a for a, _ in pairs)
    return {
        "examples": len(pairs),
        "accuracy": round(sum(a == b for a, b in pairs) / len(pairs), 3),
        "macro_f1": round(sum(scores) / 3, 3),
        "majority": round(counts.most_common(1)[0][1] / len(pairs), 3),
    }


def main() -> None:
    """Trains from the warmed-up decoder and writes `judge.pt` and `figures.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--generated", type=int, default=2500, help="clauses' examples a round")
    parser.add_argument("--budget", type=int, default=6144, help="tokens a batch")
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pieces = tokenizer.load(options.out / "vocabulary")
    saved = torch.load(options.out / "pretrained.pt", map_location=device)
    decoder = Decoder(Shape(**saved["shape"]), dropout=0.05).to(device)
    decoder.load_state_dict(saved["weights"])

    own = topics(ROOT / "rules", HERE / "clauses")
    law, other = laws(ROOT / "corpora"), noise(options.data, options.seed)
    nli = options.data / "benchmarks" / "contract-nli"
    labelled = []
    if nli.exists():
        labelled = data.contract_pairs(nli / "train_pairs.csv", options.seed)
        labelled += data.contract_documents(nli / "train_truncated.json", options.seed, True)
    print(f"{len(own)} topics, {len(labelled)} labelled examples", flush=True)

    optimizer = torch.optim.AdamW(
        decoder.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.05
    )
    started = time.time()
    for turn in range(options.rounds):
        count, sizes, law_share, share = SCHEDULE[min(turn * len(SCHEDULE) // options.rounds, len(SCHEDULE) - 1)]
        fresh = data.generated(
            own, other, law, count, options.seed * 1000 + turn, False, sizes, law_share
        )
        fits = [example for example in labelled if len(example.evidence) <= max(sizes)]
        part = rng.sample(fits, min(len(fits), int(count * share)))
        rows = [encode(pieces, example) for example in fresh + part]
        rows = [row for row in rows if len(row[0]) < 1000]
        groups = batches(rows, options.budget, rng)
        seen = sums = 0
        for step, group in enumerate(groups):
            progress = (turn + step / len(groups)) / options.rounds
            rate = options.rate * min(1.0, progress * options.rounds * 8 + 0.02)
            rate *= 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress))
            for entry in optimizer.param_groups:
                entry["lr"] = rate
            tokens, targets, weights = collate([rows[i] for i in group], device)
            with torch.autocast(device, dtype=torch.bfloat16):
                hidden = decoder(tokens)
                asked = targets >= 0
                scores = decoder.logits(hidden[asked])
            losses = F.cross_entropy(scores.float(), targets[asked], reduction="none")
            loss = (losses * weights[asked]).sum() / len(group)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            seen, sums = seen + 1, sums + loss.item()
            if seen % 25 == 0:
                print(f"  step {seen}/{len(groups)} loss {sums / seen:.3f} {loss.item():.3f} {time.time() - started:.0f} s", flush=True)
        fresh = data.generated(own, other, law, 300, 77, True, sizes)
        result = figures(fresh, predict(decoder, pieces, fresh, device))
        print(f"round {turn} loss {sums / seen:.3f} {time.time() - started:.0f} s {result}", flush=True)
        torch.save(
            {"shape": saved["shape"], "weights": decoder.state_dict()}, options.out / "judge.pt"
        )

    report: dict[str, object] = {"seconds": round(time.time() - started)}
    fresh = data.generated(own, other, law, 1500, 99, unseen=True)
    predicted = predict(decoder, pieces, fresh, device)
    report["held-out clauses"] = figures(fresh, predicted)
    for language in ("en", "fr", "de"):
        chosen = [i for i, e in enumerate(fresh) if e.source.endswith(f"/{language}")]
        report[f"held-out clauses, {language}"] = figures(
            [fresh[i] for i in chosen], [predicted[i] for i in chosen]
        )
    if nli.exists():
        dev = data.contract_documents(nli / "dev.json", 0, False)
        report["ContractNLI dev, evidence by search"] = figures(
            dev, predict(decoder, pieces, dev, device)
        )
    (options.out / "figures.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2), flush=True)


if __name__ == "__main__":
    main()
