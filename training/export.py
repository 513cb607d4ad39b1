"""Writes a trained decoder as GGUF that llama.cpp loads: matrices Q8_0, norms F32."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from gguf import TokenType

import tokenizer

NAMES = {"output_norm.weight": "output_norm.weight", "token_embd.weight": "token_embd.weight"}


def main() -> None:
    """Writes the GGUF; the embedding serves as output too, so there is no `output.weight`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of judge.pt and vocabulary")
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--version", default="0.1.0")
    options = parser.parse_args()
    saved = torch.load(options.out / "judge.pt", map_location="cpu", weights_only=True)
    shape = saved["shape"]
    writer = gguf.GGUFWriter(str(options.gguf), "llama")
    writer.add_name("konform-builtin")
    writer.add_version(options.version)
    writer.add_license("MIT")
    writer.add_description("A small judge of single statements, made by konform's own pipeline.")
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["hidden"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kv_heads"])
    writer.add_rope_dimension_count(shape["width"] // shape["heads"])
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_layer_norm_rms_eps(shape["epsilon"])
    writer.add_vocab_size(shape["vocab"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    figures = options.out / "judge.json"
    if figures.exists():
        for name, value in json.loads(figures.read_text(encoding="utf-8")).items():
            if isinstance(value, dict):
                key = name.lower().replace(",", "").replace(" ", "_").replace("-", "_")
                for part, number in value.items():
                    writer.add_float32(f"konform.{key}.{part}", float(number))
    add_vocabulary(writer, options.out / "vocabulary")
    for name, weight in saved["weights"].items():
        values = weight.float().numpy()
        stored = NAMES.get(name, name.replace("blocks.", "blk."))
        if values.ndim == 1:
            writer.add_tensor(stored, values.astype(np.float32))
        else:
            packed = gguf.quants.quantize(values, Kind.Q8_0)
            writer.add_tensor(stored, packed, raw_dtype=Kind.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{options.gguf}: {options.gguf.stat().st_size} bytes")


def add_vocabulary(writer: gguf.GGUFWriter, prefix: Path) -> None:
    """Writes pieces, scores and types as llama.cpp's SentencePiece tokenizer reads them."""
    pieces = tokenizer.load(prefix)
    tokens, scores, types = [], [], []
    for at in range(pieces.vocab_size()):
        kind = TokenType.NORMAL
        if pieces.is_unknown(at):
            kind = TokenType.UNKNOWN
        elif pieces.is_control(at):
            kind = TokenType.CONTROL
        elif pieces.is_byte(at):
            kind = TokenType.BYTE
        tokens.append(pieces.id_to_piece(at).encode())
        scores.append(pieces.get_score(at))
        types.append(kind)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(tokenizer.BOS)
    writer.add_eos_token_id(tokenizer.EOS)
    writer.add_unk_token_id(tokenizer.UNK)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(True)


if __name__ == "__main__":
    main()
