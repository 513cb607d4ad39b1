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

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], layout: Layout | None, dropout: float) -> Tensor:
        """Maps `[..., width]` to the same shape.

        `turn` is the cosine and sine of each position, `[..., 1, head width / 2]`. With a `layout`
        `x` is `[tokens, width]`, all texts one behind the other; without, `[batch, length, width]`.
        """
        shape = self.shape
        h = self.attn_norm(x)
        q = rotate(self.attn_q(h).unflatten(-1, (shape.heads, -1)), turn)
        k = rotate(self.attn_k(h).unflatten(-1, (shape.kv_heads, -1)), turn)
        v = self.attn_v(h).unflatten(-1, (shape.kv_heads, -1))
        groups = shape.heads // shape.kv_heads
        k, v = k.repeat_interleave(groups, dim=-2), v.repeat_interleave(groups, dim=-2)
        a = layout.attend(q, k, v) if layout else attend(q, k, v)
        x = x + F.dropout(self.attn_output(a), dropout, self.training)
        h = self.ffn_norm(x)
        h = self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))
        return x + F.dropout(h, dropout, self.training)


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
    """Attention over `[batch, length, heads, head width]`, to all earlier places or those `seen`
    (`[batch, 1, queries, keys]`); the heads come back side by side."""
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    if seen is None:
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        # Written out: for many short texts faster on a processor than the fused kernel.
        weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        a = weights.masked_fill(~seen, -1e4).softmax(-1).to(v.dtype) @ v
    return a.transpose(1, 2).flatten(-2)


class Layout:
    """Where prefixes and the segments behind them lie in one flat run of tokens.

    A segment sees its prefix and itself, so a prefix is evaluated once for all its segments. For
    attention alone segments are padded, in groups of like length.
    """

    def __init__(self, prefixes: list[tuple[int, int]], segments: list[tuple[int, int, int]], groups: int = 5) -> None:
        """`prefixes` are (start, length), `segments` (start, length, number of the prefix)."""
        widest = max(length for _, length in prefixes)
        places, total = [], 0
        self.prefix = torch.zeros(len(prefixes), widest, dtype=torch.long)
        known = torch.zeros(len(prefixes), widest, dtype=torch.bool)
        for row, (start, length) in enumerate(prefixes):
            self.prefix[row, :length] = torch.arange(start, start + length)
            known[row, :length] = True
            places.append((start, length, row * widest))
        total = self.prefix.numel()
        order = sorted(segments, key=lambda segment: segment[1])
        size = -(-len(order) // groups)
        self.groups = []
        for at in range(0, len(order), size):
            group = order[at : at + size]
            width = max(length for _, length, _ in group)
            index = torch.zeros(len(group), width, dtype=torch.long)
            owner = torch.tensor([owner for _, _, owner in group])
            for row, (start, length, _) in enumerate(group):
                index[row, :length] = torch.arange(start, start + length)
                places.append((start, length, total + row * width))
            total += index.numel()
            before = torch.ones(width, width, dtype=torch.bool).tril().expand(len(group), -1, -1)
            seen = torch.cat([known[owner][:, None].expand(-1, width, -1), before], -1)
            self.groups.append((index, owner, seen[:, None]))
        self.back = torch.zeros(sum(length for _, length, _ in places), dtype=torch.long)
        for start, length, place in places:
            self.back[start : start + length] = torch.arange(place, place + length)

    def to(self, device: str) -> Layout:
        """Moves the indices to a device."""
        self.prefix, self.back = self.prefix.to(device), self.back.to(device)
        self.groups = [tuple(part.to(device) for part in group) for group in self.groups]
        return self

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention over flat `[tokens, heads, head width]`."""
        keys, values = k[self.prefix], v[self.prefix]
        parts = [attend(q[self.prefix], keys, values).flatten(0, 1)]
        for index, owner, seen in self.groups:
            own = attend(
                q[index], torch.cat([keys[owner], k[index]], 1), torch.cat([values[owner], v[index]], 1), seen
            )
            parts.append(own.flatten(0, 1))
        return torch.cat(parts)[self.back]


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turns neighbouring channels by their position, as llama.cpp does for this architecture."""
    cos, sin = turn
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


class Decoder(nn.Module):
    """Token ids to hidden states; the embedding is the output layer too."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.token_embd = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        # What went into the last layer; training may ask more of it.
        self.before_last: Tensor | None = None
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                std = 0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02
                nn.init.normal_(parameter, std=std * (256 / shape.width) ** 0.5 * 1.5)

    def forward(self, tokens: Tensor, positions: Tensor | None = None, layout: Layout | None = None) -> Tensor:
        """Maps ids to normed hidden states of the same shape, `width` behind it.

        Ids are `[batch, length]`, a row a text; or, with `positions` and a `layout`, `[tokens]`.
        """
        half = self.shape.head_width // 2
        speed = self.shape.rope_base ** (-torch.arange(half, device=tokens.device) / half)
        if positions is None:
            positions = torch.arange(tokens.shape[1], device=tokens.device)
        angle = (positions[..., None, None] * speed).float()
        turn = angle.cos(), angle.sin()
        x = self.token_embd(tokens)
        for block in self.blocks[:-1]:
            x = block(x, turn, layout, self.dropout)
        self.before_last = x
        return self.output_norm(self.blocks[-1](x, turn, layout, self.dropout))

    def logits(self, hidden: Tensor) -> Tensor:
        """Maps hidden states to scores over the vocabulary."""
        return hidden @ self.token_embd.weight.T


def optimizers_of(
    decoder: Decoder, more: list[nn.Parameter], rate: float, betas: tuple[float, float]
) -> list[torch.optim.Optimizer]:
    """What changes the weights of a decoder and of heads beside it (`more`).

    Muon learns the matrices in fewer steps than AdamW, which is left the embedding and the norms.
    """
    inner = [p for name, p in decoder.named_parameters() if p.ndim == 2 and "embd" not in name]
    outer = [p for name, p in decoder.named_parameters() if p.ndim == 1 or "embd" in name]
    return [
        torch.optim.Muon(inner, lr=rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([*outer, *more], lr=rate, betas=betas, weight_decay=0.05, fused=True),
    ]
