"""Takes a model of ours back out of its GGUF, so that training can go on from what is shipped."""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import torch
from sentencepiece import sentencepiece_model_pb2 as protocol

import tokenizer
from model import Shape

KINDS = {gguf.TokenType.UNKNOWN: 2, gguf.TokenType.CONTROL: 3, gguf.TokenType.BYTE: 6}


def main() -> None:
    """Writes `vocabulary.model` and `NAME.pt`; the weights are as exact as Q8_0 kept them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="shipped")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(str(options.gguf))

    def field(name: str):
        return reader.fields[name].contents()

    shape = Shape(
        vocab=field("llama.vocab_size"),
        width=field("llama.embedding_length"),
        layers=field("llama.block_count"),
        heads=field("llama.attention.head_count"),
        kv_heads=field("llama.attention.head_count_kv"),
        hidden=field("llama.feed_forward_length"),
        context=field("llama.context_length"),
        rope_base=field("llama.rope.freq_base"),
        epsilon=field("llama.attention.layer_norm_rms_epsilon"),
    )
    weights = {}
    for tensor in reader.tensors:
        values = torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
        weights[tensor.name.replace("blk.", "blocks.")] = values.float()
    torch.save({"shape": shape.as_dict(), "weights": weights}, options.out / f"{options.name}.pt")

    model = protocol.ModelProto()
    pieces = zip(
        field("tokenizer.ggml.tokens"),
        field("tokenizer.ggml.scores"),
        field("tokenizer.ggml.token_type"),
        strict=True,
    )
    for text, score, kind in pieces:
        model.pieces.add(piece=text, score=score, type=KINDS.get(gguf.TokenType(kind), 1))
    model.trainer_spec.model_type = protocol.TrainerSpec.BPE
    model.trainer_spec.vocab_size = shape.vocab
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.unk_id = tokenizer.UNK
    model.trainer_spec.bos_id = tokenizer.BOS
    model.trainer_spec.eos_id = tokenizer.EOS
    model.trainer_spec.pad_id = -1
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = False
    (options.out / "vocabulary.model").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
