"""One draw of queries, keys and values through every variant, each measured against full causal attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention.linear import LinearAttentionState
from mlxformer.backend import mx, to_numpy
from mlxformer.teaching.online_softmax import blockwise_attention
from questions.bilingual import Bilingual
from tui.experiments.attention_gallery.declaration import EXPERIMENT
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage, Table

HEADS, WIDTH = 8, 16  # h and D
SHOWN = 20  # tokens of the map
GLOBALS = 2  # tokens that everyone sees
MOVED = 1000  # how far the rotary pair is moved
CHANGES: Mapping[str, Label] = {  # what a variant changes
    "full": Bilingual("基准", "baseline"),
    "flash": Bilingual("计算次序", "order of work"),
    "grouped": Bilingual("共享键值", "shared K, V"),
    "multi-query": Bilingual("共享键值", "shared K, V"),
    "window": Bilingual("掩码", "mask"),
    "global": Bilingual("掩码", "mask"),
    "linear": Bilingual("得分函数", "score function"),
}
SHORT: Mapping[str, Label] = {
    "full": Bilingual("完整", "full"),
    "flash": "FlashAttention",
    "grouped": "GQA",
    "multi-query": "MQA",
    "window": Bilingual("窗口", "window"),
    "global": Bilingual("窗口 + 全局", "window + global"),
    "linear": Bilingual("线性", "linear"),
}


@dataclass(frozen=True)
class Ran:
    """One variant: output [H, n, D], the pairs it may score [n, n], its key/value heads, and its cost."""

    output: np.ndarray
    allowed: np.ndarray
    kv_heads: int
    operations: float  # of scoring and mixing, a multiply-add being 2
    kept: int  # numbers kept for the next token

    def error(self, full: Ran) -> float:
        return float(np.linalg.norm(self.output - full.output) / np.linalg.norm(full.output))


class Gallery:
    """q [1, H, n, D], and as many keys and values; a variant with fewer of these keeps the first of each group."""

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        self.length, self.block = int(knobs["tokens"]), int(knobs["block"])
        generator = np.random.default_rng(int(knobs["seed"]))
        self.q, self.k, self.v = (
            mx.array(generator.standard_normal((1, HEADS, self.length, WIDTH)).astype(np.float32)) for _ in range(3)
        )
        self.causal = np.tri(self.length, dtype=bool)

    def grouped(self, kv_heads: int) -> tuple[Any, Any]:
        step = HEADS // kv_heads
        return self.k[:, ::step], self.v[:, ::step]

    def window(self, width: int, first: int = 0) -> np.ndarray:
        return to_numpy(mf.masks.streaming(self.length, self.length, width, first))

    def attend(self, allowed: np.ndarray, kv_heads: int = HEADS) -> Ran:
        k, v = self.grouped(kv_heads)
        output = mf.scaled_dot_product_attention(self.q, k, v, mask=mx.array(allowed))
        kept = 2 * kv_heads * WIDTH * int(allowed[-1].sum())  # the keys and values that the last query reads
        return Ran(to_numpy(output)[0], allowed, kv_heads, 4.0 * HEADS * WIDTH * int(allowed.sum()), kept)

    def flash(self, full: Ran) -> Ran:
        output = blockwise_attention(self.q, self.k, self.v, mask="causal", block_size=self.block)
        return Ran(to_numpy(output)[0], self.causal, HEADS, full.operations, full.kept)

    def linear(self) -> Ran:
        output = mf.linear_attention(self.q, self.k, self.v, mask="causal")
        state = LinearAttentionState()
        state.update(self.q[:, :, :1], self.k[:, :, :1], self.v[:, :, :1])
        operations = 4.0 * self.length * state.size  # written and read once a token
        return Ran(to_numpy(output)[0], self.causal, HEADS, operations, state.size)

    def weights(self, ran: Ran, variant: str) -> np.ndarray:
        """[n, n], the first head's."""
        k, v = self.grouped(ran.kv_heads)
        if variant != "linear":
            return to_numpy(mf.attention_weights(self.q, k, mask=mx.array(ran.allowed)))[0, 0]
        with mf.trace() as steps:
            mf.linear_attention(self.q, k, v, mask="causal")
        first: np.ndarray = steps["weights"].value[0, 0]
        return first

    def recurrent(self) -> np.ndarray:
        state = LinearAttentionState()
        return to_numpy(state.update(self.q, self.k, self.v))[0]


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    gallery, kv_heads = Gallery(knobs), int(knobs["kv_heads"])
    width = gallery.length if knobs["no_window"] else min(int(knobs["window"]), gallery.length)
    with cancellable(report, 0.2):
        full = gallery.attend(gallery.causal)
        variants = {"full": full, "flash": gallery.flash(full)}
        report(0.4, "masks")
        variants["grouped"] = gallery.attend(gallery.causal, HEADS if knobs["all_heads"] else kv_heads)
        variants["multi-query"] = gallery.attend(gallery.causal, 1)
        variants["window"] = gallery.attend(gallery.window(width))
        variants["global"] = gallery.attend(gallery.window(width, GLOBALS))
        variants["linear"] = gallery.linear()
    checks = _checks(gallery, variants, knobs)
    figures: list[Figure] = [
        _map(gallery, variants[str(knobs["variant"])], str(knobs["variant"])),
        _table(variants, width, kv_heads),
        _growth(width, gallery.length),
    ]
    with traced(report, 0.9) as steps:
        mf.scaled_dot_product_attention(gallery.q, gallery.k, gallery.v, mask=mx.array(variants["window"].allowed))
    return Result(figures, checks, tuple(steps))


def _checks(gallery: Gallery, variants: Mapping[str, Ran], knobs: Mapping[str, Any]) -> list[Check]:
    measured, full, n = EXPERIMENT.measured, variants["full"], gallery.length
    w, kv_heads = min(int(knobs["window"]), n), int(knobs["kv_heads"])
    wide = gallery.attend(gallery.window(n // 2 if knobs["half_window"] else n))
    return [
        measured("flash-is-exact", _apart(variants["flash"].output, full.output), 0.0, 1e-5),
        measured("wide-window-is-full", _apart(wide.output, full.output), 0.0, 1e-5),
        measured("window-pairs", float(variants["window"].allowed.sum()), w * (w + 1) / 2 + (n - w) * w),
        measured("grouped-is-repeated", _repeated(gallery, kv_heads, bool(knobs["wrong_groups"])), 0.0, 1e-5),
        measured("grouped-cache", variants["grouped"].kept / full.kept, kv_heads / HEADS, 1e-9),
        measured("linear-two-forms", _apart(gallery.recurrent(), variants["linear"].output), 0.0, 1e-5),
        _others(variants, n, int(knobs["window"])),
        measured("rotary-sees-offsets", _rotary(gallery, bool(knobs["one_rotated"])), 0.0, 1e-3),
    ]


def _apart(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def _repeated(gallery: Gallery, kv_heads: int, wrong: bool) -> float:
    """GQA as the library computes it, beside as many keys and values as queries, made by hand."""
    k, v = gallery.grouped(kv_heads)
    grouped = to_numpy(mf.scaled_dot_product_attention(gallery.q, k, v, mask="causal"))
    times = HEADS // kv_heads
    copies = [
        np.tile(to_numpy(x), (1, times, 1, 1)) if wrong else np.repeat(to_numpy(x), times, axis=1) for x in (k, v)
    ]
    repeated = mf.scaled_dot_product_attention(gallery.q, *(mx.array(x) for x in copies), mask="causal")
    return _apart(to_numpy(repeated), grouped)


def _others(variants: Mapping[str, Ran], length: int, window: int) -> Check:
    name = "others-differ"
    if window + GLOBALS >= length:
        reason = Bilingual(
            "窗口（加全局词元）盖住了整段，就是全注意力。",
            "The window (with the global tokens) covers everything: it is full.",
        )
        return EXPERIMENT.undefined(name, reason)
    errors = [variants[one].error(variants["full"]) for one in ("window", "global", "linear")]
    return EXPERIMENT.measured(name, min(errors), 0.01)


def _rotary(gallery: Gallery, one: bool) -> float:
    """The scores of the first head's tokens where they are, and all of them MOVED places later."""
    rope = mf.RotaryEmbedding(WIDTH)
    scores = []
    for offset in (0, MOVED):
        q = to_numpy(rope(gallery.q[:, :1], offset=offset))[0, 0].astype(np.float64)
        k = to_numpy(rope(gallery.k[:, :1], offset=0 if one else offset))[0, 0].astype(np.float64)
        scores.append(q @ k.T)
    return _apart(scores[1], scores[0])


def _map(gallery: Gallery, ran: Ran, variant: str) -> Heatmap:
    label = SHORT[variant]
    zh, en = (label.zh, label.en) if isinstance(label, Bilingual) else (label, label)
    shown = min(gallery.length, SHOWN)
    names = [str(i + 1) for i in range(shown)]
    return Heatmap(
        Bilingual(f"{zh}：前 {shown} 个查询看到什么（头 0）", f"{en}: what the first {shown} queries see (head 0)"),
        [
            Stage("mask", Bilingual("可见", "may see"), ran.allowed[None, :shown, :shown], "mask"),
            Stage("weights", Bilingual("权重", "weights"), gallery.weights(ran, variant)[None, :shown, :shown]),
        ],
        rows=names,
        columns=names,
        name="variant",
    )


def _table(variants: Mapping[str, Ran], width: int, kv_heads: int) -> Table:
    full = variants["full"]
    return Table(
        Bilingual(
            f"h = {HEADS}，D = {WIDTH}，w = {width}，g = {kv_heads}；GQA、MQA 由 MHA 直接取头，没有再训练",
            f"h = {HEADS}, D = {WIDTH}, w = {width}, g = {kv_heads}; GQA, MQA take heads of the MHA, untrained",
        ),
        columns=[
            Bilingual("变体", "variant"), Bilingual("改了什么", "changes"), Bilingual("运算", "operations"),
            Bilingual("缓存（个数）", "numbers cached"), Bilingual("与完整的差", "distance"),
        ],
        rows=[
            [SHORT[name], CHANGES[name], round(ran.operations), ran.kept, ran.error(full)]
            for name, ran in variants.items()
        ],
        name="variants",
    )  # fmt: skip


def _growth(width: int, length: int) -> Curve:
    """Operations of scoring and mixing by length, as counted above."""
    lengths = [float(2**power) for power in range(4, 13)]
    pair, state = 4.0 * HEADS * WIDTH, 4.0 * HEADS * WIDTH * (WIDTH + 1)
    counted = [(n, min(width, n)) for n in lengths]
    return Curve(
        Bilingual("长度翻倍，运算变几倍", "How the operations grow with the length"),
        Bilingual("词元数 n", "tokens n"),
        Bilingual("打分与混合的运算", "operations"),
        [
            Series(Bilingual("完整、Flash、GQA、MQA", "full, Flash, GQA, MQA"), lengths,
                   [pair * n * (n + 1) / 2 for n in lengths]),
            Series(Bilingual("窗口", "window"), lengths, [pair * (w * (w + 1) / 2 + (n - w) * w) for n, w in counted]),
            Series(Bilingual("线性", "linear"), lengths, [state * n for n in lengths]),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(length), "n")],
        name="growth",
    )  # fmt: skip
