"""The vocabulary: SentencePiece BPE with the control tokens of Mistral's instruction format."""

from __future__ import annotations

import gzip
import random
import re
from pathlib import Path

import sentencepiece as spm

UNK, BOS, EOS, INST, INST_END = range(5)


def sample_text(data: Path, limit: int, seed: int) -> list[str]:
    """Reads documents of the pretraining text, about `limit` characters of each file, and German law.

    There is little German, so it is taken three times.
    """
    rng = random.Random(seed)
    chosen: list[str] = []
    for file in sorted((data / "text").glob("*.txt.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            documents = stream.read().split("\n\n")
        rng.shuffle(documents)
        size = 0
        for document in documents:
            if size > limit:
                break
            if len(document) > 200:
                chosen.append(document)
                size += len(document)
    for file in sorted((data / "law").rglob("*.xml")):
        german = "germany" in file.parts or file.name.startswith("L_2016119DE")
        if german:
            text = re.sub(r"<[^>]+>", " ", file.read_text(encoding="utf-8"))
            text = re.sub(r"\s+", " ", text)
            chosen.extend(3 * [text[at : at + 4000] for at in range(0, len(text), 4000)])
    rng.shuffle(chosen)
    return chosen


def train(texts: list[str], size: int, prefix: Path) -> None:
    """Trains the vocabulary and writes `PREFIX.model`."""
    lines = prefix.with_suffix(".txt")
    with lines.open("w", encoding="utf-8") as stream:
        for text in texts:
            for line in text.splitlines():
                for at in range(0, len(line), 2000):
                    if part := line[at : at + 2000].strip():
                        stream.write(part + "\n")
    spm.SentencePieceTrainer.train(
        input=str(lines),
        model_prefix=str(prefix),
        vocab_size=size,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        character_coverage=0.999,
        split_digits=True,
        max_sentence_length=8000,
        unk_id=UNK,
        bos_id=BOS,
        eos_id=EOS,
        pad_id=-1,
        control_symbols=["[INST]", "[/INST]"],
        num_threads=2,
    )
    lines.unlink()


def load(prefix: Path) -> spm.SentencePieceProcessor:
    """Loads the vocabulary."""
    return spm.SentencePieceProcessor(model_file=str(prefix) + ".model")
