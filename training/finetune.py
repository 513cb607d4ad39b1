"""Teaches the judgement: one letter behind each segment.

All segments of a case stand behind one prefix in a row, each seeing the prefix and itself alone,
at the positions that it would have as a prompt of its own; so a row is as many prompts as it has
segments, and costs the prefix once. What the document says is combined from them
(`aggregate`) as in `crates/judge/src/weigh.rs`.
"""

from __future__ import annotations

import argparse
import builtins
import functools
import json
import math
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F

import cases
import contracts
import documents as papers
import matching
import tokenizer
from clauses import statements, topics
from model import Decoder, Layout, Shape, optimizers_of
from prompts import TASK, Case, own_text, shared_text
from teacher import Teacher

HERE = Path(__file__).parent
ROOT = HERE.parent
LETTERS = "ABC"
SHARES = ("text", "clauses", "statements", "documents", "contracts", "taught")


class Row:
    """The tokens of a case: a prefix and the segments behind it."""

    def __init__(self, pieces, case: Case) -> None:
        # Each part is encoded by itself, as konform does.
        shared = [*pieces.encode(TASK), *pieces.encode(shared_text(case.statement, case.kind, case.passages))]
        self.prefix = [tokenizer.BOS, tokenizer.INST, *shared]
        self.own = [[*pieces.encode(own_text([line])), tokenizer.INST_END] for line in case.lines]
        self.taught = bool(case.soft)
        self.numbers = case.numbers
        self.about = case.about
        self.letters = case.soft or [[float(letter == own) for letter in LETTERS] for own in case.letters]
        self.letter = LETTERS.index(case.letter) if case.letter else -1
        self.size = len(self.prefix) + sum(map(len, self.own))

    def __len__(self) -> int:
        return self.size


def collate(rows: list[Row], device: str, forget: float = 0.0):
    """One flat run of tokens, their positions, their layout, and where each segment ends.

    A share `forget` of the words is replaced by `<unk>`, so that training learns none by heart.
    """
    tokens: list[int] = []
    positions: list[int] = []
    prefixes, segments, ends = [], [], []
    for number, row in enumerate(rows):
        prefixes.append((len(tokens), len(row.prefix)))
        tokens += row.prefix
        positions += range(len(row.prefix))
        for own in row.own:
            segments.append((len(tokens), len(own), number))
            tokens += own
            positions += range(len(row.prefix), len(row.prefix) + len(own))
            ends.append(len(tokens) - 1)
    ids = torch.tensor(tokens)
    if forget:
        lost = (torch.rand(len(ids)) < forget) & (ids > tokenizer.INST_END)
        ids = ids.masked_fill(lost, tokenizer.UNK)
    layout = Layout(prefixes, segments).to(device)
    return ids.to(device), torch.tensor(positions, device=device), layout, torch.tensor(ends, device=device)


def aggregate(letters: torch.Tensor) -> torch.Tensor:
    """Log-odds of a document (A, B, C) from its segments' log probabilities `[segments, 3]`."""
    odds = letters[:, :2] - letters[:, 2:]
    return torch.cat([(2 * odds).logsumexp(0) / 2, odds.new_zeros(1)])


def batches(rows: list[Row], budget: int, rng: random.Random) -> list[list[Row]]:
    """Groups rows into batches of about `budget` tokens."""
    order = rng.sample(rows, len(rows))
    groups: list[list[Row]] = []
    group: list[Row] = []
    for row in order:
        if group and sum(map(len, group)) + len(row) > budget:
            groups.append(group)
            group = []
        group.append(row)
    groups.append(group)
    return groups


def score(
    decoder: Decoder, rows: list[Row], device: str, forget: float = 0.0
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The scores of the vocabulary behind each segment, and per row the letters' log probabilities."""
    tokens, positions, layout, ends = collate(rows, device, forget)
    scores = decoder.logits(decoder(tokens, positions, layout)[ends]).float()
    decoder.before_last = decoder.before_last[ends]
    letters = scores[:, decoder.letters].log_softmax(-1)
    return scores, list(letters.split([len(row.own) for row in rows]))


@torch.no_grad()
def predict(decoder: Decoder, pieces, examples: list[Case], device: str) -> list[tuple[list[float], list[float]]]:
    """For each case the document's distribution over A, B, C, and how much each segment matters; all
    workers call it alike and share the work."""
    decoder.eval()
    rows = [Row(pieces, case) for case in examples]
    found: dict[int, tuple[list[float], list[float]]] = {}
    number = {id(row): at for at, row in enumerate(rows)}
    for group in batches(rows, 4096, random.Random(0))[dist.get_rank() :: dist.get_world_size()]:
        _, letters = score(decoder, group, device)
        for row, own in zip(group, letters, strict=True):
            document = aggregate(own).softmax(-1).tolist()
            found[number[id(row)]] = document, (1 - own[:, 2].exp()).tolist()
    decoder.train()
    parts: list = [None] * dist.get_world_size()
    dist.all_gather_object(parts, found)
    found = {at: one for part in parts for at, one in part.items()}
    return [found[at] for at in range(len(rows))]


def figures(examples: list[Case], predicted) -> dict[str, float]:
    """Accuracy, macro-F1, the share of the most frequent letter, and mean average precision of the
    segments where some bear on the statement."""
    pairs = [(c.letter, LETTERS[p.index(max(p))]) for c, (p, _) in zip(examples, predicted, strict=True)]
    scores = []
    for letter in LETTERS:
        hit = sum(a == b == letter for a, b in pairs)
        said, true = sum(b == letter for _, b in pairs), sum(a == letter for a, _ in pairs)
        scores.append(2 * hit / (said + true) if said + true else 0.0)
    precisions = []
    for case, (_, matter) in zip(examples, predicted, strict=True):
        order = sorted(range(len(matter)), key=lambda i: -matter[i])
        hits = [n for n, i in enumerate(order, 1) if case.letters[i] != "C"]
        if hits:
            precisions.append(sum(k / n for k, n in enumerate(hits, 1)) / len(hits))
    counts = Counter(a for a, _ in pairs)
    return {
        "examples": len(pairs),
        "accuracy": round(sum(a == b for a, b in pairs) / len(pairs), 3),
        "macro_f1": round(sum(scores) / 3, 3),
        "majority": round(counts.most_common(1)[0][1] / len(pairs), 3),
        "evidence_map": round(sum(precisions) / max(len(precisions), 1), 3),
    }


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


def by_language(texts: list[str]) -> dict[str, list[str]]:
    """Sorts texts by language, told by their commonest words."""
    found: dict[str, list[str]] = {"en": [], "fr": [], "de": []}
    marks = {"en": ("the", "of"), "fr": ("le", "les", "des"), "de": ("der", "die", "und")}
    for text in texts:
        counts = Counter(re.findall(r"\b[a-z]{2,3}\b", text[:3000].lower()))
        found[max(marks, key=lambda language: sum(counts[w] for w in marks[language]))].append(text)
    return found


def main() -> None:
    """Trains from weights in `--out` and writes weights and figures there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", default="pretrained.pt", help="weights in --out to start from")
    parser.add_argument("--name", default="judge", help="writes NAME.pt and NAME.json")
    parser.add_argument(
        "--shares",
        default="text=0.02,clauses=0.22,statements=0.08,documents=0.3,contracts=0.2,taught=0.18",
        help="cases of unlabelled law, of our clauses, of statements of our own, of our documents, of"
        " contracts labelled by people, of a teacher",
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--look", type=int, default=3, help="rounds between looks at held-out figures")
    parser.add_argument("--first", type=int, default=0, help="go on with this round, from a checkpoint")
    parser.add_argument("--cases", type=int, default=3400, help="cases a round")
    parser.add_argument("--budget", type=int, default=2048, help="tokens a batch and worker")
    parser.add_argument("--rate", type=float, default=1.8e-3)
    parser.add_argument("--whole", type=float, default=0.5, help="weight of the document's letter")
    parser.add_argument("--odds", type=float, default=0.5, help="weight of a teacher's log-odds")
    parser.add_argument("--forget", type=float, default=0.05, help="share of words that are blanked out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hide", default="", help="labelled hypotheses to leave out, by comma")
    parser.add_argument("--workers", type=int, help="processes of one thread each (default: one on a GPU, else two)")
    options = parser.parse_args()
    on_gpu = torch.cuda.is_available()
    workers = options.workers or (1 if on_gpu else 2)
    # Small matrices gain nothing from a second thread; a second process does another batch meanwhile.
    with tempfile.TemporaryDirectory() as meeting:
        torch.multiprocessing.spawn(work, (workers, f"file://{meeting}/workers", options, on_gpu), nprocs=workers)


def work(rank: int, workers: int, meeting: str, options: argparse.Namespace, on_gpu: bool) -> None:
    """What each worker does: its share of the batches; gradients are averaged, so all hold the same weights."""
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    if not on_gpu:
        torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    device = "cuda" if on_gpu else "cpu"
    print = functools.partial(builtins.print, flush=True) if rank == 0 else (lambda *_: None)
    pieces = tokenizer.load(options.out / "vocabulary")
    saved = torch.load(options.out / options.start, map_location=device)
    decoder = Decoder(Shape(**saved["shape"])).to(device)
    decoder.load_state_dict(saved["weights"])
    decoder.letters = [pieces.encode(letter)[0] for letter in LETTERS]

    own = topics(ROOT / "rules", HERE / "clauses")
    # Of the statements that no pack has, every eighth is never trained on.
    written = statements(HERE / "statements")
    strange, written = written[5::8], [topic for at, topic in enumerate(written) if at % 8 != 5]
    requirements = papers.Requirements(ROOT / "rules")
    numbers = requirements.numbers
    marked = papers.read(HERE / "documents")
    kept = papers.examples(papers.read(HERE / "calibration"), requirements, 1)
    law = laws(ROOT / "corpora")
    texts = by_language(tokenizer.sample_text(options.data, 6_000_000, options.seed))
    noise = {
        language: [part for text in some[:400] for part in contracts.pieces(text[:6000])] or ["…"]
        for language, some in texts.items()
    }
    nli = options.data / "benchmarks" / "contract-nli"
    labelled, dev, hidden, teacher = [], [], set(), None
    if nli.exists():
        labelled = contracts.excerpts(nli / "train_pairs.csv", 8, options.seed)
        labelled += contracts.whole(nli / "train_truncated.json", 16, True)
        dev = contracts.whole(nli / "dev.json", 16, False)
        hidden = {case.statement for case in dev if case.source.removeprefix("nli/") in options.hide.split(",")}
        labelled = [case for case in labelled if case.statement not in hidden]
        teacher = Teacher(nli / "train_pairs.csv", options.data / "text" / "contracts.en.txt.gz", hidden, options.seed)
    print(
        f"{len(own)} topics, {len(written)} statements and {len(strange)} held out, {len(marked)} documents,"
        f" {len(kept)} cases of documents held out, {len(labelled)} labelled cases",
    )
    shares = Counter(case.letter for case in labelled)
    print(f"labelled {dict(shares)}")
    probe = rng.sample(dev, min(len(dev), 170))

    width = decoder.shape.width
    norm = torch.nn.RMSNorm(width).to(device)
    head = torch.nn.Linear(width, teacher.odds.shape[1] if teacher else 1).to(device)
    topic_head = torch.nn.Linear(width, 3 + 1 + len(numbers)).to(device)
    heads = [*norm.parameters(), *head.parameters(), *topic_head.parameters()]
    optimizers = optimizers_of(decoder, heads, options.rate, (0.9, 0.98))
    # More weight to what a segment says than to its silence, which is most of what there is.
    weights = torch.tensor([1.0, 1.0, 0.4], device=device)
    shares = dict.fromkeys(SHARES, 0.0)
    for part in options.shares.split(","):
        name, share = part.split("=")
        shares[name] = float(share)
    started = time.time()
    for turn in range(options.first, options.rounds):
        seed = options.seed * 1000 + turn
        count = {name: int(options.cases * share) for name, share in shares.items()}
        fresh = matching.examples(texts, count["text"], seed)
        fresh += cases.generated(own, noise, law, count["clauses"], seed, numbers)
        fresh += cases.generated(written, noise, law, count["statements"], seed, numbers)
        fresh += papers.examples(marked, requirements, seed, count["documents"])
        fresh += rng.sample(labelled, min(len(labelled), count["contracts"]))
        fresh += teacher.examples(count["taught"], seed) if teacher else []
        rows = [row for case in fresh if len(row := Row(pieces, case)) < 1600]
        groups = batches(rows, options.budget, rng)
        steps = len(groups) // workers
        # Each worker blanks out other words.
        torch.manual_seed(seed * workers + rank)
        sums = Counter()
        for step in range(steps):
            group = groups[step * workers + rank]
            progress = (turn + step / steps) / options.rounds
            rate = options.rate * min(1.0, (progress * options.rounds - options.first) * 8 + 0.02)
            rate *= 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress))
            for optimizer in optimizers:
                for entry in optimizer.param_groups:
                    entry["lr"] = rate
            with torch.autocast(device, dtype=torch.bfloat16):
                scores, letters = score(decoder, group, device, options.forget)
            goal = torch.tensor([letter for row in group for letter in row.letters], device=device)
            said = scores.log_softmax(-1)[:, decoder.letters]
            weight = goal @ weights
            each = -((goal * said).sum(-1) * weight).sum() / weight.sum()
            known = [at for at, row in enumerate(group) if row.letter >= 0]
            whole = each.new_zeros(())
            if known:
                documents = torch.stack([aggregate(letters[at]) for at in known])
                right = torch.tensor([group[at].letter for at in known], device=device)
                whole = F.cross_entropy(documents, right)
            loss = each + options.whole * whole
            # A teacher's log-odds tell more than its probabilities: also how silent a segment is.
            of_teacher = torch.tensor([row.taught for row in group for _ in row.own], device=device)
            if of_teacher.any():
                logs = torch.cat(letters)[of_teacher]
                odds = goal[of_teacher].log()
                apart = (logs[:, :2] - logs[:, 2:]) - (odds[:, :2] - odds[:, 2:]).clamp(-5, 5)
                apart = F.smooth_l1_loss(apart, torch.zeros_like(apart))
                # What a segment says of all hypotheses at once is read off before the last layer.
                numbers = [number for row in group for number in row.numbers]
                with torch.autocast(device, dtype=torch.bfloat16):
                    features = head(norm(decoder.before_last[of_teacher])).float()
                wide = F.smooth_l1_loss(features, torch.from_numpy(teacher.odds[numbers]).to(device))
                loss = loss + options.odds * (apart + 2 * wide)
                sums.update(apart=apart.item(), wide=wide.item(), taught=1)
            of_clause = torch.tensor([bool(row.about) for row in group for _ in row.own], device=device)
            if of_clause.any():
                about = torch.tensor([pair for row in group for pair in row.about], device=device)
                with torch.autocast(device, dtype=torch.bfloat16):
                    features = topic_head(norm(decoder.before_last[of_clause])).float()
                # What is about no requirement does nothing to one.
                does = about[:, 1].masked_fill(about[:, 0] == 0, -100)
                named = F.cross_entropy(features[:, 3:], about[:, 0], reduction="sum")
                named = named / (about[:, 0] >= 0).sum().clamp(min=1)
                told = F.cross_entropy(features[:, :3], does, reduction="sum") / (does >= 0).sum().clamp(min=1)
                loss = loss + options.odds * (named + told)
                sums.update(named=named.item(), told=told.item(), clauses=1)
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            average([*decoder.parameters(), *heads], workers)
            torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
            sums.update(steps=1, tokens=workers * sum(map(len, group)), each=each.item(), whole=whole.item())
            if sums["steps"] % 50 == 0:
                print(report(turn, sums, started))
        print(report(turn, sums, started))
        if (turn + 1) % options.look == 0:
            for name, some in held_out(own, strange, kept, noise, law, numbers, 150).items():
                print(f"  {name}:", figures(some, predict(decoder, pieces, some, device)))
            if probe:
                predicted = predict(decoder, pieces, probe, device)
                print("  ContractNLI dev, part:", figures(probe, predicted))
                new = [i for i, case in enumerate(probe) if case.statement in hidden]
                if new:
                    print("  untrained:", figures([probe[i] for i in new], [predicted[i] for i in new]))
        if rank == 0:
            state = {"shape": saved["shape"], "weights": decoder.state_dict()}
            torch.save(state, options.out / f"{options.name}.pt")

    result: dict[str, object] = {"seconds": round(time.time() - started)}
    for name, some in held_out(own, strange, kept, noise, law, numbers, 1500).items():
        predicted = predict(decoder, pieces, some, device)
        result[name] = figures(some, predicted)
        for language in ("en", "fr", "de"):
            chosen = [i for i, case in enumerate(some) if case.source.endswith(f"/{language}")]
            result[f"{name}, {language}"] = figures([some[i] for i in chosen], [predicted[i] for i in chosen])
    if dev:
        predicted = predict(decoder, pieces, dev, device)
        result["ContractNLI dev"] = figures(dev, predicted)
        unseen = [i for i, case in enumerate(dev) if case.statement in hidden]
        if unseen:
            result[f"ContractNLI dev, untrained {options.hide}"] = figures(
                [dev[i] for i in unseen], [predicted[i] for i in unseen]
            )
    if rank == 0:
        (options.out / f"{options.name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def average(parameters: list[torch.nn.Parameter], workers: int) -> None:
    """Makes each gradient the mean of all workers'."""
    if workers == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters]) / workers
    dist.all_reduce(flat)
    at = 0
    for parameter in parameters:
        parameter.grad.copy_(flat[at : at + parameter.numel()].view_as(parameter))
        at += parameter.numel()


def held_out(own, strange, kept, noise, law, numbers, count: int) -> dict[str, list[Case]]:
    """Cases that training never sees, by name."""
    found = {"held-out clauses": cases.generated(own, noise, law, count, 99, numbers, unseen=True)}
    if strange:
        # Whole statements are held out, so all of their sentences may be drawn.
        found["held-out statements"] = cases.generated(strange, noise, law, count, 99, numbers)
    if known := [case for case in kept if case.letter]:
        found["held-out documents"] = random.Random(99).sample(known, min(len(known), count))
    return found


def report(turn: int, sums: Counter, started: float) -> str:
    """One line on how far training is."""
    steps = sums["steps"]
    return (
        f"round {turn} step {steps} each {sums['each'] / steps:.3f} whole {sums['whole'] / steps:.3f}"
        f" apart {sums['apart'] / max(sums['taught'], 1):.3f} wide {sums['wide'] / max(sums['taught'], 1):.3f}"
        f" named {sums['named'] / max(sums['clauses'], 1):.3f} told {sums['told'] / max(sums['clauses'], 1):.3f}"
        f" {sums['tokens']} tokens {time.time() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
