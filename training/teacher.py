"""A teacher for the labelled hypotheses: for each a linear classifier over the words of a segment.

It is trained on the same labelled segments as the model (ContractNLI's training split) and says of
any other segment how likely it makes the hypothesis true, denies it or is silent. Such soft letters
on segments that nobody labelled tell the model more, and more evenly, than the few labelled ones.
"""

from __future__ import annotations

import gzip
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from contracts import excerpts, pieces
from prompts import Case, Line

LETTERS = "ABC"


class Teacher:
    """Knows segments, and for each hypothesis the letters' probabilities for each of them."""

    def __init__(self, pairs: Path, contracts: Path, hidden: set[str], seed: int, others: int = 30_000) -> None:
        """Learns from `pairs`, and reads `others` segments of the contracts at `contracts`."""
        gold: dict[str, dict[str, str]] = defaultdict(dict)
        for case in excerpts(pairs, 10**6, seed):
            if case.statement in hidden:
                continue
            for line, letter in zip(case.lines, case.letters, strict=True):
                known = gold[case.statement].get(line.words, "C")
                gold[case.statement][line.words] = letter if known == "C" else known
        own = sorted({words for letters in gold.values() for words in letters})
        with gzip.open(contracts, "rt", encoding="utf-8") as stream:
            texts = stream.read().split("\n\n")
        rng = random.Random(seed)
        rng.shuffle(texts)
        strange: list[str] = []
        for text in texts:
            if len(strange) > others:
                break
            strange += [part for part in pieces(text[:60_000]) if 40 < len(part) < 400]
        self.segments = own + strange[:others]
        self.own = len(own)
        vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
        learned = vectors.fit_transform(own)
        at = {words: number for number, words in enumerate(own)}
        everything = vectors.transform(self.segments)
        self.letters: dict[str, np.ndarray] = {}
        for statement, letters in gold.items():
            rows = [at[words] for words in letters]
            model = LogisticRegression(C=20, max_iter=300, class_weight={"A": 1, "B": 1, "C": 0.4})
            model.fit(learned[rows], list(letters.values()))
            found = np.full((len(self.segments), 3), 1e-4, dtype=np.float32)
            for column, letter in enumerate(model.classes_):
                found[:, LETTERS.index(letter)] += model.predict_proba(everything)[:, column]
            for words, letter in letters.items():
                if letter != "C":
                    found[at[words]] = 0.98 * np.eye(3)[LETTERS.index(letter)] + 0.01
            self.letters[statement] = found / found.sum(1, keepdims=True)
        # Log-odds of A and of B against C for all hypotheses side by side, segment by segment.
        logs = np.stack([np.log(self.letters[s]) for s in sorted(self.letters)], 1)
        odds = np.clip(logs[:, :, :2] - logs[:, :, 2:], -5, 5)
        self.odds = odds.reshape(len(self.segments), -1).astype(np.float32)
        # Where a hypothesis may be meant, best first; and where its contrary may.
        self.bearing = {s: np.argsort(-(1 - p[:, 2])) for s, p in self.letters.items()}
        self.denying = {s: np.argsort(-p[:, 1]) for s, p in self.letters.items()}

    def examples(self, count: int, seed: int, size: int = 20) -> list[Case]:
        """Cases of `size` segments from anywhere; no document stands behind them, so no letter."""
        rng = random.Random(seed)
        made = []
        for _ in range(count):
            statement = rng.choice(sorted(self.letters))
            likely = self.letters[statement]
            meant = int((likely[:, 2] < 0.5).sum())
            denied = int((likely[:, 1] > 0.3).sum())
            chosen = set()
            while len(chosen) < size:
                way = rng.random()
                if way < 0.3:
                    chosen.add(int(self.bearing[statement][rng.randrange(max(meant, 1))]))
                elif way < 0.42 and denied:
                    chosen.add(int(self.denying[statement][rng.randrange(denied)]))
                elif way < 0.7:
                    chosen.add(int(self.bearing[statement][rng.randrange(4 * meant + 50)]))
                elif way < 0.85:
                    chosen.add(rng.randrange(self.own))
                else:
                    chosen.add(rng.randrange(len(self.segments)))
            order = list(chosen)
            rng.shuffle(order)
            made.append(
                Case(
                    statement,
                    [Line(self.segments[at]) for at in order],
                    [LETTERS[int(likely[at].argmax())] for at in order],
                    "",
                    source="taught",
                    soft=[tuple(map(float, likely[at])) for at in order],
                    numbers=order,
                )
            )
        return made
