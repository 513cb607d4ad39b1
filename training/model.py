"""A decoder of Mistral's architecture: grouped queries, RMSNorm, SwiGLU, rotary positions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of a model. `vocab` counts pieces, `context` tokens."""

    vocab: int = 8000
    width: int = 256
    layers: int = 4
    heads: int = 8
    kv_heads: int = 4
    hidden: int = 704
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.width // self.heads

    def as_dict(self) -> dict[str, float]:
        """Plain values, for a checkpoint."""
        return asdict(self)


PRESETS = {
    "cpu": Shape(),
    "gpu": Shape(vocab=8000, width=512, layers=8, heads=8, kv_heads=4, hidden=1408),
}


class Block(nn.Module):
    """One layer: attention, then the gated feed-forward part, each behind its norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.attn_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_v = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, turn: Tensor, seen: Tensor | None, dropout: float) -> Tensor:
        """Maps `[batch, length, width]` to the same shape.

        `turn` is `[batch or 1, 1, length, head width / 2]`; `seen` says which positions each one
        attends to (`[batch, 1, length, length]`), all earlier ones if it is absent.
        """
        shape, (batch, length, _) = self.shape, x.shape
        h = self.attn_norm(x)
        q = self.attn_q(h).view(batch, length, shape.heads, shape.head_width).transpose(1, 2)
        k = self.attn_k(h).view(batch, length, shape.kv_heads, shape.head_width).transpose(1, 2)
        v = self.attn_v(h).view(batch, length, shape.kv_heads, shape.head_width).transpose(1, 2)
        groups = shape.heads // shape.kv_heads
        k = rotate(k, turn).repeat_interleave(groups, dim=1)
        v = v.repeat_interleave(groups, dim=1)
        a = F.scaled_dot_product_attention(
            rotate(q, turn), k, v, attn_mask=seen, is_causal=seen is None
        )
        a = a.transpose(1, 2).reshape(batch, length, shape.width)
        x = x + F.dropout(self.attn_output(a), dropout, self.training)
        h = self.ffn_norm(x)
        h = self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))
        return x + F.dropout(h, dropout, self.training)


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turns neighbouring channels by their position, as llama.cpp does for this architecture."""
    cos, sin = turn.cos(), turn.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Decoder(nn.Module):
    """Token ids to hidden states; the embedding is the output layer too."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.token_embd = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                std = 0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02
                nn.init.normal_(parameter, std=std * (256 / shape.width) ** 0.5 * 1.5)

    def forward(
        self, tokens: Tensor, positions: Tensor | None = None, seen: Tensor | None = None
    ) -> Tensor:
        """Maps ids `[batch, length]` to normed hidden states `[batch, length, width]`.

        `positions` (`[batch, length]`) and `seen` (see `Block`) let several continuations of one
        prefix stand side by side in a row; without them a row is one text.
        """
        half = self.shape.head_width // 2
        speed = self.shape.rope_base ** (-torch.arange(half, device=tokens.device) / half)
        if positions is None:
            positions = torch.arange(tokens.shape[1], device=tokens.device)[None]
        turn = (positions[:, None, :, None] * speed).float()
        x = self.token_embd(tokens)
        for block in self.blocks:
            x = block(x, turn, seen, self.dropout)
        return self.output_norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Maps hidden states to scores over the vocabulary."""
        return hidden @ self.token_embd.weight.T
