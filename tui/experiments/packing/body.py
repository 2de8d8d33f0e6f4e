"""Reads documents alone, packed, and packed apart, and takes the loss on their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention import masks
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.training.packing import Packed, pack
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.packing.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Figure, Heatmap, Stage, Table, TokenRow, Tokens

VOCAB, DIMS, HEADS, LAYERS, LONGEST = 50, 32, 4, 2, 64
SHORTEST = 4  # tokens of a document: two of the prompt, two of the answer


class Reader(mf.Module):
    """Embeddings, positions of either kind, a causal stack and a head."""

    def __init__(self, rope: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, DIMS)
        config = mf.LayerConfig(norm="pre", rope=mf.RotaryEmbedding(DIMS // HEADS) if rope else None)
        if not rope:
            self.position = nn.Embedding(LONGEST, DIMS)
        self.stack = mf.CausalStack(LAYERS, DIMS, HEADS, 2 * DIMS, config)
        self.head = nn.Linear(DIMS, VOCAB, bias=False)

    def __call__(self, ids: Any, positions: Any, mask: Any) -> Any:
        """[B, T] -> logits [B, T, V]; ``positions`` are looked up where they are learned."""
        x = self.embedding(ids)
        if "position" in self:
            x = x + self.position(positions)
        return self.head(self.stack(x, mask))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    count, length, seed = int(knobs["documents"]), int(knobs["length"]), int(knobs["seed"])
    generator = np.random.default_rng(seed)
    # Few long ones among many short, as real conversations are.
    sizes = SHORTEST + (generator.random(count) ** 3 * (length // 2 + 1 - SHORTEST)).astype(int)
    documents = [generator.integers(1, VOCAB, size).astype(np.int32) for size in sizes]
    packed = pack(documents, length)
    learned, rotary = (_reader(rope, seed) for rope in (False, not knobs["no_rope"]))
    report(0.2, "rows")
    apart: Any = masks.documents(mx.array(packed.segments))
    past = masks.combine(masks.causal(length, length), masks.padding(mx.array(packed.segments > 0)))
    on = np.broadcast_to(np.arange(length, dtype=np.int32), packed.ids.shape)
    alone, alone_turned = (_alone(reader, documents, packed) for reader in (learned, rotary))
    with traced(report, 0.4, learned) as steps:
        leaked = _read(learned, packed, packed.positions, apart if knobs["masked"] else past)
    kept = _read(learned, packed, packed.positions, past if knobs["no_mask"] else apart)
    counted = _read(learned, packed, packed.positions if knobs["reset"] else on, apart)
    turned = _read(rotary, packed, on, apart)
    real, later = packed.segments > 0, packed.segments > 1
    weights = steps[f"stack.layers.{LAYERS - 1}.self_attention.weights"].value  # [B, H, T, T]
    foreign = 100.0 * float(_foreign(weights, packed.segments)[later].mean())
    changes = {
        Bilingual("隔开、重置", "apart, reset"): _change(kept, alone, later),
        Bilingual("隔开、不重置", "apart, not reset"): _change(counted, alone, later),
        Bilingual("只有因果掩码", "causal mask only"): _change(leaked, alone, later),
        Bilingual("RoPE，隔开、不重置", "RoPE, apart, not reset"): _change(turned, alone_turned, later),
    }
    report(0.7, "loss")
    tokens, padded = int(real.sum()), (count, max(map(len, documents)))
    filled = padded if knobs["one_a_row"] else packed.ids.shape
    waste = 100.0 * tokens / (filled[0] * filled[1]) - 100.0 * tokens / (padded[0] * padded[1])
    predicted = _predicted(documents, packed)
    by_tokens, by_means = _accumulated(learned, documents, packed, apart, predicted)
    if knobs["swap_means"]:
        by_tokens, by_means = by_means, by_tokens
    measured = EXPERIMENT.measured
    checks = [
        measured("packed-as-alone", _largest((kept - alone)[real]), 0.0, 1e-4),
        measured("leak-changes", _change(leaked, alone, later), 5.0),
        measured("foreign-weight", foreign, 10.0),
        measured("positions-matter", _change(counted, alone, later), 5.0),
        measured("rope-indifferent", _largest((turned - alone_turned)[real]), 0.0, 1e-4),
        _where(count >= 12, "waste-saved", waste, 1.0),
        measured("prompts-have-no-gradient", _outside(kept, packed, predicted, bool(knobs["everywhere"])), 0.0),
        measured("sums-over-tokens", by_tokens, 0.0, 1e-4),
        _where(len(set(map(len, documents))) > 1, "mean-of-means-differs", 100.0 * by_means, 1.0),
    ]
    figures: list[Figure] = [
        _maps(weights, steps, learned, packed, apart), _bars(changes), _row(packed, predicted),
        _table(padded, filled, tokens),
    ]  # fmt: skip
    return Result(figures, checks, tuple(steps))


def _where(defined: bool, name: str, value: float, expected: float) -> Check:
    if not defined:
        reason = Bilingual(
            "至少 12 段才谈得上省填充；各段一样长，两种平均就没有区别。",
            "Padding is saved from 12 documents on; where all are of one length, the averages are one.",
        )
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, value, expected)


def _reader(rope: bool, seed: int) -> Any:
    reader = Reader(rope)
    return load(reader, draw(np.random.default_rng([seed, 1]), reader))


def _read(reader: Any, packed: Packed, positions: np.ndarray, mask: Any) -> np.ndarray:
    return to_numpy(reader(mx.array(packed.ids), mx.array(positions), mask))


def _alone(reader: Any, documents: list[np.ndarray], packed: Packed) -> np.ndarray:
    """The logits of each document by itself, put where it stands in the rows."""
    found = np.zeros((*packed.ids.shape, VOCAB), np.float32)
    for document, (row, start) in zip(documents, packed.places, strict=True):
        ids = mx.array(document[None])
        found[row, start : start + len(document)] = to_numpy(reader(ids, mx.arange(len(document))[None], "causal"))[0]
    return found


def _change(found: np.ndarray, alone: np.ndarray, where: np.ndarray) -> float:
    """‖found − alone‖ / ‖alone‖ at ``where``, %."""
    return 100.0 * float(np.linalg.norm((found - alone)[where]) / np.linalg.norm(alone[where]))


def _foreign(weights: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """How much of each place's attention lies on other documents, the mean of the heads: [B, T]."""
    other = segments[:, :, None] != segments[:, None, :]
    return (weights.mean(1) * other).sum(-1)


def _predicted(documents: list[np.ndarray], packed: Packed) -> np.ndarray:
    """True where the next token is one of the answer, the second half of each document; so never at its last."""
    found = np.zeros(packed.ids.shape, bool)
    for document, (row, start) in zip(documents, packed.places, strict=True):
        found[row, start + len(document) // 2 - 1 : start + len(document) - 1] = True
    return found


def _outside(logits: np.ndarray, packed: Packed, predicted: np.ndarray, everywhere: bool) -> float:
    """The largest gradient by the logits of places that are not to be predicted."""
    chosen = np.ones_like(predicted) if everywhere else predicted
    following = np.roll(packed.ids, -1, axis=1)
    slope = mx.grad(lambda x: mf.masked_language_model_loss(x, following, chosen))(mx.array(logits))
    return _largest(to_numpy(slope)[~predicted])


def _accumulated(
    reader: Any, documents: list[np.ndarray], packed: Packed, mask: Any, predicted: np.ndarray
) -> tuple[float, float]:
    """A document a micro-batch: their sums over all tokens, and the mean of their means, against the packed batch."""

    def slope(ids: np.ndarray, positions: np.ndarray, seen: Any, chosen: np.ndarray) -> np.ndarray:
        def loss(_: Any) -> Any:
            logits = reader(mx.array(ids), mx.array(positions), seen)
            return mf.masked_language_model_loss(logits, np.roll(ids, -1, axis=1), chosen)

        leaves = dict(tree_flatten(nn.value_and_grad(reader, loss)(None)[1]))
        return np.concatenate([to_numpy(value).ravel() for value in leaves.values()])

    whole = slope(packed.ids, packed.positions, mask, predicted)
    by_tokens, by_means = np.zeros_like(whole), np.zeros_like(whole)
    for document, (row, start) in zip(documents, packed.places, strict=True):
        here = (slice(row, row + 1), slice(start, start + len(document)))
        part = slope(packed.ids[here], packed.positions[here], "causal", predicted[here])
        by_tokens += part * (predicted[here].sum() / predicted.sum())
        by_means += part / len(documents)
    size = float(np.linalg.norm(whole))
    return float(np.linalg.norm(by_tokens - whole)) / size, float(np.linalg.norm(by_means - whole)) / size


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max())


def _maps(weights: np.ndarray, steps: Any, reader: Any, packed: Packed, apart: Any) -> Heatmap:
    """The first row's attention without a document mask and with it, the mean of the heads."""
    with mf.trace(reader) as kept:
        _read(reader, packed, packed.positions, apart)
    path = f"stack.layers.{LAYERS - 1}.self_attention.weights"
    labels = [f"{'·' if s == 0 else chr(64 + s)}{p}" for s, p in
              zip(packed.segments[0].tolist(), packed.positions[0].tolist(), strict=True)]  # fmt: skip
    return Heatmap(
        Bilingual("第一行的注意力（各头平均，A0 是第一段的第 0 个词元）：只有因果掩码会看到别的段，按段隔开就看不到",
                  "Attention in the first row (mean of the heads; A0 is token 0 of document A): other documents are "
                  "seen with a causal mask only, and not when kept apart"),
        [
            Stage("apart", Bilingual("按段隔开", "kept apart"), kept[path].value[0].mean(0)[None]),
            Stage("causal", Bilingual("只有因果掩码", "causal mask only"), weights[0].mean(0)[None]),
        ],
        rows=labels,
        columns=labels,
        name="row",
    )  # fmt: skip


def _bars(changes: Mapping[Bilingual, float]) -> Bars:
    return Bars(
        Bilingual("行里第二段起，logits 与单独读时相差百分之几",
                  "From the second document of a row on: how far logits are from those read alone, %"),
        labels=list(changes),
        values=list(changes.values()),
        value_label=Bilingual("logits 相差 %", "logits differ, %"),
        name="changes",
    )  # fmt: skip


def _row(packed: Packed, predicted: np.ndarray) -> Tokens:
    tokens = ["·" if s == 0 else chr(64 + s) for s in packed.segments[0].tolist()]
    return Tokens(
        Bilingual("第一行：着色处的下一个词元是回答，只有这里算损失（提问的最后一个词元也算，段的最后一个不算）",
                  "The first row: where colored, the next token is an answer's and counts in the loss (a prompt's last "
                  "token does, a document's last does not)"),
        [TokenRow(Bilingual("段", "document"), tokens, predicted[0].astype(float).tolist(),
                  [str(p) for p in packed.positions[0].tolist()])],
        name="loss",
    )  # fmt: skip


def _table(padded: tuple[int, ...], filled: tuple[int, ...], tokens: int) -> Table:
    shapes = ((Bilingual("补齐", "padded"), padded), (Bilingual("拼接", "packed"), filled))
    return Table(
        Bilingual(f"同样 {tokens} 个词元", f"The same {tokens} tokens"),
        columns=["", Bilingual("行", "rows"), Bilingual("行长", "length"), Bilingual("填充 %", "padding, %")],
        rows=[[name, *shape, 100.0 * (1 - tokens / (shape[0] * shape[1]))] for name, shape in shapes],
        name="waste",
    )  # fmt: skip
