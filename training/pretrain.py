"""Teaches the words: next-token prediction on legal text."""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import tokenizer
from model import PRESETS, Decoder, optimizers_of


def main() -> None:
    """Trains the vocabulary if there is none, then the decoder, for a number of seconds or steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--extra", type=Path, nargs="*", default=[])
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--characters", type=int, default=4_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shape = PRESETS[options.preset]
    prefix = options.out / "vocabulary"
    texts = tokenizer.sample_text(options.data, options.characters, options.seed)
    extra = [file.read_text(encoding="utf-8") for file in options.extra]
    if not prefix.with_suffix(".model").exists():
        tokenizer.train(texts + extra * 3, shape.vocab, prefix)
    pieces = tokenizer.load(prefix)
    ids = np.concatenate([[tokenizer.BOS, *pieces.encode(text)] for text in texts + extra * 3])
    print(f"{len(ids)} tokens of text", flush=True)

    decoder = Decoder(shape).to(device)
    optimizers = optimizers_of(decoder, [], options.rate, (0.9, 0.95))
    rng = random.Random(options.seed)
    started = time.time()
    for step in range(options.steps):
        progress = step / options.steps
        warm = min(1.0, (step + 1) / 100)
        rate = options.rate * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        starts = [rng.randrange(len(ids) - options.length - 1) for _ in range(options.batch)]
        rows = torch.tensor(np.stack([ids[at : at + options.length + 1] for at in starts]))
        rows = rows.to(device)
        with torch.autocast(device, dtype=torch.bfloat16):
            scores = decoder.logits(decoder(rows[:, :-1]))
        loss = F.cross_entropy(scores.float().flatten(0, 1), rows[:, 1:].flatten())
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        if step % 50 == 0:
            speed = (step + 1) * options.batch * options.length / (time.time() - started)
            print(f"step {step} loss {loss.item():.3f} {speed:.0f} tokens/s", flush=True)
    torch.save(
        {"shape": shape.as_dict(), "weights": decoder.state_dict()}, options.out / "pretrained.pt"
    )


if __name__ == "__main__":
    main()
