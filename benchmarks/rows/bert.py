"""BERT's forward pass, its loading, and what an open trace costs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from benchmarks.row import Row, Sides
from benchmarks.timing import timed

TRANSFORMERS = "transformers on torch, same weights"
PEER = ("torch", "transformers")


@cache
def _ours(size: str) -> Callable[..., object]:
    import mlxformer as mf
    from benchmarks.models import bert_folder

    model = mf.BertModel.from_pretrained(bert_folder(size))
    model.eval()
    return model


def _forward(size: str, batch: int, tokens: int, with_peer: bool) -> Sides:
    from benchmarks.models import ids, require_same
    from mlxformer.backend import mx

    model, given = _ours(size), ids(batch, tokens)

    def ours() -> mx.array:
        hidden = model(mx.array(given)).last_hidden_state  # type: ignore[attr-defined]
        mx.eval(hidden)
        return hidden

    if not with_peer:
        return Sides(timed(ours))
    peer = partial(_peer_forward, size, given)
    require_same(ours(), peer())
    return Sides(timed(ours), timed(peer))


@cache
def _peer(size: str) -> Callable[..., object]:
    import transformers

    from benchmarks.models import bert_folder

    return transformers.BertModel.from_pretrained(bert_folder(size)).eval()


def _peer_forward(size: str, given: object) -> object:
    import torch

    with torch.inference_mode():
        return _peer(size)(torch.tensor(given, dtype=torch.long)).last_hidden_state.numpy()  # type: ignore[attr-defined]


def _products(with_peer: bool) -> Sides:
    """Base, 1 × 128, and every matrix product that it consists of: C = 768, F = 3072, H = 12, D = 64, T = 128."""
    import numpy as np

    draw = np.random.default_rng(0)
    x, hidden, heads, weights = (
        draw.normal(size=shape).astype("float32") for shape in [(128, 768), (128, 3072), (12, 128, 64), (12, 128, 128)]
    )
    square, wide, narrow = (
        [draw.normal(size=shape).astype("float32") for _ in range(12 * count)]
        for shape, count in [((768, 768), 4), ((768, 3072), 1), ((3072, 768), 1)]
    )  # a matrix for every use, as in the model: no layer finds the weights of another in the cache

    def peer() -> None:
        for layer in range(12):
            for matrix in square[4 * layer : 4 * layer + 4]:
                x @ matrix
            heads @ heads.swapaxes(1, 2)
            weights @ heads
            x @ wide[layer]
            hidden @ narrow[layer]

    return Sides(_forward("base", 1, 128, with_peer=False).ours, timed(peer))


def _load(size: str, with_peer: bool) -> Sides:
    import mlxformer as mf
    from benchmarks.models import bert_folder
    from mlxformer.backend import mx

    folder = bert_folder(size)

    def ours() -> None:
        mx.eval(mf.BertModel.from_pretrained(folder).parameters())

    if not with_peer:
        return Sides(timed(ours))
    import transformers

    return Sides(timed(ours), timed(lambda: transformers.BertModel.from_pretrained(folder)))


def _traced(with_peer: bool) -> Sides:
    import mlxformer as mf

    closed = _forward("minilm", 1, 128, with_peer=False).ours

    def traced() -> float:
        with mf.trace():
            return closed()

    return Sides(traced, closed)


ROWS = (
    *(
        Row(f"bert-{size}-{batch}x{tokens}", f"BERT, {size}, {batch} × {tokens}", aim,
            partial(_forward, size, batch, tokens), TRANSFORMERS, needs=PEER)
        for size, aims in (("minilm", (0.65, 0.75, 0.9, 0.9)), ("base", (0.8, 0.8, 0.95, 0.95)))
        for (batch, tokens), aim in zip(((1, 16), (1, 128), (1, 512), (8, 128)), aims, strict=True)
    ),
    Row("bert-products", "BERT, base, 1 × 128", 1.2, _products, "its matrix products alone"),
    *(
        Row(f"load-{size}", f"loading BERT, {size}", 0.2, partial(_load, size), "transformers", needs=PEER)
        for size in ("minilm", "base")
    ),
    Row("tracing", "BERT, minilm, 1 × 128, tracing open", 1.1, _traced, "not tracing"),
)  # fmt: skip
