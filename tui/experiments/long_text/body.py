"""Runs a small BERT on what each way of cutting keeps, and layers of windowed attention for their reach."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.long_text import spans, trained
from tui.experiments.long_text.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage, TokenRow, Tokens

POSITIONS = 512
VOCABULARY, CLS, SEP = 100, 1, 2
WIDTH = 16
REACH_TOKENS = 128  # of the text on which reach is measured
CELLS = 24  # of a strip: a line of 80 columns


def _bert(positions: int, seed: int) -> Any:
    """A BERT of one layer, small enough to be run a dozen times; its positions are as many as the real one's."""
    config = BertConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=WIDTH, max_position_embeddings=positions,
    )  # fmt: skip
    bert = BertModel(config, pooler=False)
    return load(bert, draw(np.random.default_rng(seed), bert))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    length, overlap, seed = int(knobs["length"]), int(knobs["overlap"]), int(knobs["seed"])
    usable = int(knobs["usable"])
    place = round(int(knobs["depth"]) / 100 * (length - 1))
    step = -int(knobs["gap"]) if knobs["gap"] else overlap  # a gap is a negative overlap
    ways: dict[str, list[range]] = {
        "head": spans.head(length, usable),
        "tail": spans.tail(length),
        "head-and-tail": spans.head_and_tail(length),
        "windows": spans.windows(length, step),
    }
    bert = _bert(int(knobs["positions"]), seed)
    text = np.random.default_rng([seed, length]).integers(3, VOCABULARY, length).astype(np.int32)
    report(0.1, "BERT")
    checks = [
        EXPERIMENT.measured("longest-input", float(_longest(bert)), float(POSITIONS)),
        _padding(bert, text, bool(knobs["mask_padding"])),
        *_coverage(length, overlap, ways),
        *_influence(bert, text, place, ways, report),
    ]
    report(0.6, "trained")
    found = trained.accuracies(seed, 0 if knobs["untrained"] else trained.STEPS)
    checks += _sorted(found, bool(knobs["head_is_windows"]), bool(knobs["max_for_mean"]))
    window, layers = int(knobs["attention_window"]), int(knobs["layers"])
    local, with_global = (_attention(window, layers, seed, both, report) for both in (
        bool(knobs["everyone_global"]), bool(knobs["add_global"])
    ))  # fmt: skip
    checks += _reach(local, with_global, window, layers)
    figures: list[Figure] = [
        _by_depth(found, int(knobs["depth"])),
        _strips(length, place, ways),
        _maps(local, with_global, layers),
        _by_layer(window),
        _cost(window),
    ]
    return Result(figures, checks)


def _longest(bert: Any) -> int:
    """The longest of 511, 512 and 513 tokens that runs."""
    longest = 0
    for length in (POSITIONS - 1, POSITIONS, POSITIONS + 1):
        try:
            bert(mx.full((1, length), CLS, dtype=mx.int32))
        except ArgumentError:
            break
        longest = length
    return longest


def _padding(bert: Any, text: np.ndarray, masked: bool) -> Check:
    """20 tokens alone, and padded to 512 with ``[PAD]``, which is id 0."""
    short = text[:20][None]
    padded = np.pad(short, ((0, 0), (0, POSITIONS - short.shape[1])))
    mask = mx.array((padded > 0).astype(np.int32)) if masked else None
    alone = to_numpy(bert(mx.array(short)).last_hidden_state)
    among = to_numpy(bert(mx.array(padded), attention_mask=mask).last_hidden_state)
    return EXPERIMENT.measured("padding-changes-nothing", _largest(among[:, : short.shape[1]] - alone), 0.0, 1e-5)


def _coverage(length: int, overlap: int, ways: Mapping[str, Sequence[range]]) -> list[Check]:
    lost = length - sum(spans.covered(length, ways["head"]))
    share = sum(spans.covered(length, ways["windows"])) / length
    count = max(1, math.ceil((length - overlap) / (spans.USABLE - overlap)))
    return [
        EXPERIMENT.measured("head-loses", float(lost), float(max(0, length - spans.USABLE))),
        EXPERIMENT.measured("windows-cover", share, 1.0),
        EXPERIMENT.measured("window-count", float(len(ways["windows"])), float(count)),
    ]


def _influence(
    bert: Any, text: np.ndarray, place: int, ways: Mapping[str, Sequence[range]], report: Report
) -> list[Check]:
    """The text's vector before and after the token at ``place`` becomes another one."""
    other = text.copy()
    other[place] = 3 + (text[place] - 2) % (VOCABULARY - 3)
    vectors = {}
    for done, name in ((0.3, "head"), (0.5, "windows")):  # not traced: nothing inside is shown, and it is faster so
        report(done, name)
        vectors[name] = [_vector(bert, each, ways[name]) for each in (text, other)]
    head, windows = (_largest(after - before) / _largest(before) for before, after in vectors.values())
    if place < ways["head"][0].stop:
        reason = Bilingual(
            "这个词元在开头 510 个之内，没有被截掉。", "This token is among the first 510: it was not cut off."
        )
        unseen = EXPERIMENT.undefined("unseen-cannot-matter", reason)
    else:
        unseen = EXPERIMENT.measured("unseen-cannot-matter", head, 0.0)
    return [unseen, EXPERIMENT.measured("windows-let-it-matter", windows, 1e-6)]


def _vector(bert: Any, text: np.ndarray, pieces: Sequence[range]) -> np.ndarray:
    """The mean of all real tokens' states over all pieces, each between [CLS] and [SEP]. [C]."""
    longest = max(len(piece) for piece in pieces) + 2
    ids, mask = (np.zeros((len(pieces), longest), np.int32) for _ in range(2))
    for row, piece in enumerate(pieces):
        ids[row, : len(piece) + 2] = [CLS, *text[piece.start : piece.stop], SEP]
        mask[row, : len(piece) + 2] = 1
    hidden = to_numpy(bert(mx.array(ids), attention_mask=mx.array(mask)).last_hidden_state)
    return np.asarray(hidden[mask == 1].mean(0, dtype=np.float64))


def _attention(window: int, layers: int, seed: int, with_global: bool, report: Report) -> list[np.ndarray]:
    """The weights [T, T] of each layer of an encoder that sees ``window / 2`` tokens on each side."""
    n = REACH_TOKENS
    allowed = to_numpy(mf.masks.sliding_window(n, n, window // 2, window // 2)).copy()
    if with_global:  # the first token sees all, and all see it
        allowed[0, :] = allowed[:, 0] = True
    encoder = mf.Encoder(layers, WIDTH, 1, WIDTH)
    load(encoder, draw(np.random.default_rng(seed), encoder))
    x = np.random.default_rng([seed, 1]).standard_normal((1, n, WIDTH)).astype(np.float32)
    with traced(report, 0.7, encoder) as steps:
        encoder(mx.array(x), mx.array(allowed))
    return [steps[f"layers.{layer}.self_attention.weights"].value[0, 0] for layer in range(layers)]


def _paths(weights: Sequence[np.ndarray], layers: int) -> np.ndarray:
    """[T, T]: whether row hears from column through ``layers`` layers, along weights above zero; residuals too."""
    reached = np.eye(len(weights[0]), dtype=bool)
    for layer in range(layers):
        reached = ((weights[layer] > 0) | np.eye(len(reached), dtype=bool)) @ reached
    return reached


def _reach(
    local: Sequence[np.ndarray], with_global: Sequence[np.ndarray], window: int, layers: int
) -> list[Check]:  # fmt: skip
    n, half = REACH_TOKENS, window // 2
    middle = n // 2
    expected = min(middle, layers * half) + min(n - 1 - middle, layers * half) + 1
    scores = n * (window + 1) - half * (half + 1)  # a band, less the corners that stick out of the square
    reached = float(_paths(local, layers)[middle].sum())
    checks = [EXPERIMENT.measured("reach", reached, float(expected))]
    if layers < 2:
        reason = Bilingual(
            "只有一层：信息还没有经过全局词元传开。", "One layer only: nothing has passed on from the global token."
        )
        checks.append(EXPERIMENT.undefined("global-reach", reason))
    else:
        checks.append(EXPERIMENT.measured("global-reach", float(_paths(with_global, 2)[middle].sum()), float(n)))
    return [*checks, EXPERIMENT.measured("scores-share", float((local[0] > 0).mean()), scores / n**2, 1e-9)]


def _sorted(found: Mapping[str, Sequence[float]], head_is_windows: bool, max_for_mean: bool) -> list[Check]:
    middle = trained.DEPTHS.index(50)
    return [
        EXPERIMENT.measured("head-blind-in-the-middle", found["windows" if head_is_windows else "head"][middle], 65.0),
        EXPERIMENT.measured("windows-find-it", min(found["windows"]), 75.0),
        EXPERIMENT.measured("mean-dilutes", found["windows" if max_for_mean else "windows-mean"][middle], 75.0),
    ]


def _by_depth(found: Mapping[str, Sequence[float]], depth: int) -> Curve:
    names: dict[str, Label] = {
        "windows": Bilingual("窗口，取最大", "windows, maximum"),
        "windows-mean": Bilingual("窗口，取平均", "windows, mean"),
        "head": Bilingual("取头", "head"),
        "tail": Bilingual("取尾", "tail"),
        "head-and-tail": Bilingual("头加尾", "head and tail"),
    }
    return Curve(
        Bilingual(
            "要紧的词元在哪里，各种切法分类对多少（小 BERT，上限 64；文本 250 个词元）",
            "Texts sorted right by where the deciding token is (a small BERT: 64 positions, texts of 250)",
        ),
        Bilingual("要紧的词元在百分之几处", "depth of the deciding token, %"),
        Bilingual("对的 %", "right, %"),
        [Series(label, [float(each) for each in trained.DEPTHS], list(found[name])) for name, label in names.items()],
        marks=[(float(depth), Bilingual("现在这里", "here"))],
        name="by-depth",
    )


def _strips(length: int, place: int, ways: Mapping[str, Sequence[range]]) -> Tokens:
    """The text in some cells, and how much of each cell is seen."""
    cells = min(CELLS, length)
    edges = [round(cell * length / cells) for cell in range(cells + 1)]
    marked = next(cell for cell in range(cells) if edges[cell] <= place < edges[cell + 1])
    names: dict[str, Label] = {
        "head": Bilingual("取头", "head"),
        "tail": Bilingual("取尾", "tail"),
        "head-and-tail": Bilingual("头 128 + 尾 382", "head 128 + tail 382"),
        "windows": Bilingual(f"{len(ways['windows'])} 个窗口", f"{len(ways['windows'])} windows"),
    }
    strips = []
    for name, label in names.items():
        seen = np.array(spans.covered(length, ways[name]), float)
        shares = [float(seen[start:stop].mean()) for start, stop in pairwise(edges)]
        cell_text = ["█" if share == 1 else "▒" if share > 0 else "·" for share in shares]
        strips.append(TokenRow(label, cell_text, shares, ["↑" if cell == marked else "" for cell in range(cells)]))
    return Tokens(
        Bilingual(
            f"{length} 个词元里看得到哪些（箭头：要紧的那个）",
            f"What is seen of {length} tokens (arrow: the one that matters)",
        ),
        strips,
        name="coverage",
    )  # fmt: skip


def _maps(local: Sequence[np.ndarray], with_global: Sequence[np.ndarray], layers: int) -> Heatmap:
    labels = [str(token) for token in range(REACH_TOKENS)]
    hears = [_paths(weights, layers)[None] for weights in (local, with_global)]
    return Heatmap(
        Bilingual("谁能收到谁的信息", "Who hears from whom"),
        [
            Stage("one", Bilingual("一层窗口注意力", "one layer of windows"), (local[0] > 0)[None], "mask"),
            Stage("global", Bilingual("加全局词元，叠起来", "with a global token"), hears[1], "mask"),
            Stage("reach", Bilingual(f"窗口注意力叠 {layers} 层", f"{layers} layers of windows"), hears[0], "mask"),
        ],
        rows=labels,
        columns=labels,
        row_axis=Bilingual("收到的", "to"),
        column_axis=Bilingual("来自", "from"),
        name="reach",
    )  # fmt: skip


def _by_layer(window: int) -> Curve:
    layers = [float(layer) for layer in range(1, 13)]
    return Curve(
        Bilingual("能收到多少词元的信息（足够长的文本）", "How many tokens are heard from (in a text long enough)"),
        Bilingual("层", "layers"),
        Bilingual("词元", "tokens"),
        [Series(f"w = {w}", layers, [layer * w + 1 for layer in layers]) for w in sorted({window, 512})],
        log_y=True,
        name="by-layer",
    )


def _cost(window: int) -> Curve:
    lengths = [float(2**power) for power in range(9, 16)]
    return Curve(
        Bilingual("一个头要算的得分", "Scores of one head"),
        Bilingual("词元数 n", "tokens n"),
        Bilingual("得分", "scores"),
        [
            Series(Bilingual("全注意力 n²", "dense, n²"), lengths, [n * n for n in lengths]),
            Series(Bilingual("窗口 512：n·513", "window of 512: n·513"), lengths, [n * 513 for n in lengths]),
            Series(f"w = {window}", lengths, [n * (window + 1) for n in lengths]),
        ],
        log_x=True,
        log_y=True,
        name="cost",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
