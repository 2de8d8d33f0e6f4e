"""Makes BERT's modules without a number in them and adds up their shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import mlxformer as mf
from mlxformer.backend import tree_flatten, without_values
from questions.bilingual import Bilingual
from tui.experiments.bert_ledger.arithmetic import Sizes
from tui.experiments.bert_ledger.declaration import EXPERIMENT
from tui.experiments.contract import Check, Report, Result
from tui.figures.data import Curve, Figure, Label, Series, Table

LARGE = mf.BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
PAPER_LARGE = 340.0  # million parameters, Devlin et al. 2019, §3
WIDTHS = (64, 128, 256, 384, 512, 768, 1024, 1536)
# How each part is told from the paths of the parameters; the first that fits.
PATHS: tuple[tuple[str, str], ...] = (
    ("word_embeddings", "word"),
    ("position_embeddings", "position"),
    ("token_type_embeddings", "type"),
    ("embeddings.norm", "embedding_norm"),
    ("self_attention_norm", "layer_norms"),
    ("feed_forward_norm", "layer_norms"),
    (".self_attention.", "attention"),
    (".feed_forward.", "feed_forward"),
    ("pooler", "pooler"),
    ("mlm_head.decoder", "mlm_decoder"),
    ("mlm_head.bias", "mlm_bias"),
    ("mlm_head", "mlm_transform"),
    ("nsp_head", "nsp"),
)
HEADS = ("mlm_transform", "mlm_bias", "mlm_decoder", "nsp")
ENTRIES: dict[str, tuple[Label, str]] = {
    "word": (Bilingual("词嵌入", "word embeddings"), "V·d"),
    "position": (Bilingual("位置嵌入", "positions"), "P·d"),
    "type": (Bilingual("段类型嵌入", "segment types"), "2·d"),
    "embedding_norm": (Bilingual("嵌入后的层归一化", "norm after them"), "2·d"),
    "attention": (Bilingual("各层注意力", "attention"), "L·(4d² + 4d)"),
    "feed_forward": (Bilingual("各层前馈层", "feed-forward"), "L·(2dF + F + d)"),
    "layer_norms": (Bilingual("各层两个层归一化", "two norms a layer"), "L·4d"),
    "pooler": (Bilingual("池化层", "pooler"), "d² + d"),
    "mlm_transform": (Bilingual("MLM 头的变换", "MLM transform"), "d² + 3d"),
    "mlm_bias": (Bilingual("MLM 头的偏置", "MLM biases"), "V"),
    "nsp": (Bilingual("NSP 头", "NSP head"), "2d + 2"),
}


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    d, layers, heads = int(knobs["d_model"]), int(knobs["layers"]), int(str(knobs["heads"]))
    ratio = int(knobs["ratio"])
    sizes = Sizes(int(knobs["vocabulary"]), int(knobs["positions"]), layers, d, ratio * d)
    config = mf.BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=d,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=sizes.hidden + (d if knobs["wider"] else 0),
        max_position_embeddings=sizes.positions,
        type_vocab_size=int(knobs["types"]),
        tie_word_embeddings=not knobs["untie"],
    )
    report(0.1, "ledger")
    parts = counted(config)
    large = sum(counted(replace(LARGE, num_hidden_layers=int(knobs["large_layers"]))).values())
    measured = EXPERIMENT.measured
    checks = [
        *_totals(parts, sizes),
        measured("attention-whatever-the-heads", _attention(d, heads, bool(knobs["full_width"])), sizes.attention),
        *_shares(parts, sizes),
        measured("large-fits-the-paper", large / 1e6, (0.98 * PAPER_LARGE, 1.02 * PAPER_LARGE)),
    ]
    report(0.5, "figures")
    figures: list[Figure] = [
        _ledger(parts, sizes, bool(knobs["with_heads"])),
        _by_width(config, ratio, report),
        _models(),
    ]
    return Result(figures, checks)


@lru_cache(maxsize=256)
def counted(config: mf.BertConfig) -> Mapping[str, int]:
    """The parameters of ``BertForPreTraining`` by part, from its modules; a knob leaves most as it was."""
    with without_values():
        parameters: dict[str, Any] = dict(tree_flatten(mf.BertForPreTraining(config).trainable_parameters()))
    parts: dict[str, int] = {}
    for path, parameter in parameters.items():
        part = next(part for pattern, part in PATHS if pattern in path)
        parts[part] = parts.get(part, 0) + math.prod(int(size) for size in parameter.shape)
    return parts


def _encoder(parts: Mapping[str, int]) -> int:
    return sum(count for part, count in parts.items() if part not in HEADS)


def _totals(parts: Mapping[str, int], sizes: Sizes) -> list[Check]:
    embeddings = sum(parts[part] for part in ("word", "position", "type", "embedding_norm"))
    layer = _layers(parts) / sizes.layers
    measured = EXPERIMENT.measured
    return [
        measured("all-parameters", _encoder(parts), sizes.encoder),
        measured("with-pretraining-heads", sum(parts.values()), sizes.with_heads),
        measured("embedding-parameters", embeddings, sizes.embeddings),
        measured("layer-parameters", layer, sizes.layer),
    ]


def _layers(parts: Mapping[str, int]) -> int:
    return parts["attention"] + parts["feed_forward"] + parts["layer_norms"]


def _attention(d: int, heads: int, full_width: bool) -> int:
    with without_values():
        layer = mf.MultiHeadAttention(d, heads, head_dim=d if full_width else None)
        parameters: dict[str, Any] = dict(tree_flatten(layer.trainable_parameters()))
    return sum(math.prod(int(size) for size in parameter.shape) for parameter in parameters.values())


def _shares(parts: Mapping[str, int], sizes: Sizes) -> list[Check]:
    """Biases and norms, of order d beside d², are what the tolerance is for; 0.5 points at the least width."""
    of_layer = 100 * parts["feed_forward"] / _layers(parts)
    of_model = 100 * parts["feed_forward"] / _encoder(parts)
    limit = 100 * sizes.hidden / (sizes.hidden + 2 * sizes.d)
    by_hand = sizes.parts()
    return [
        EXPERIMENT.measured("feed-forward-share-of-layer", of_layer, limit, 0.5),
        EXPERIMENT.measured(
            "feed-forward-share-of-model", of_model, 100 * by_hand["feed_forward"] / sizes.encoder, 1e-9
        ),
    ]


def _ledger(parts: Mapping[str, int], sizes: Sizes, with_heads: bool) -> Table:
    by_hand = sizes.parts()
    shown = [part for part in ENTRIES if with_heads or part not in HEADS]
    total = sum(parts[part] for part in shown)
    rows: list[list[Label | float | None]] = [
        [
            ENTRIES[part][0],
            ENTRIES[part][1],
            f"{by_hand[part]:,}",
            f"{parts[part]:,}",
            f"{100 * parts[part] / total:.1f}",
        ]
        for part in shown
    ]
    wanted = sizes.with_heads if with_heads else sizes.encoder
    rows.append([Bilingual("合计", "total"), "", f"{wanted:,}", f"{total:,}", "100.0"])
    return Table(
        Bilingual(
            f"V = {sizes.vocabulary:,}，P = {sizes.positions}，L = {sizes.layers}，d = {sizes.d}，F = {sizes.hidden}",
            f"V = {sizes.vocabulary:,}, P = {sizes.positions}, L = {sizes.layers}, d = {sizes.d}, F = {sizes.hidden}",
        ),
        columns=[
            Bilingual("部件", "part"),
            Bilingual("公式", "formula"),
            Bilingual("公式算出", "by formula"),
            Bilingual("模块数出", "counted"),
            Bilingual("占全部 %", "% of all"),
        ],
        rows=rows,
        name="ledger",
    )


def _by_width(config: mf.BertConfig, ratio: int, report: Report) -> Curve:
    """Where the parameters are, as d grows and V, P, L stay: embeddings grow with d, layers with d²."""
    shares: dict[str, list[float]] = {"embeddings": [], "attention": [], "feed_forward": []}
    for d in WIDTHS:
        report(0.7, f"d = {d}")
        parts = counted(
            replace(config, hidden_size=d, intermediate_size=ratio * d, num_attention_heads=1, tie_word_embeddings=True)
        )
        total = _encoder(parts)
        shares["embeddings"].append(100 * (parts["word"] + parts["position"] + parts["type"]) / total)
        shares["attention"].append(100 * parts["attention"] / total)
        shares["feed_forward"].append(100 * parts["feed_forward"] / total)
    names: dict[str, Label] = {
        "embeddings": Bilingual("嵌入", "embeddings"),
        "attention": Bilingual("注意力", "attention"),
        "feed_forward": Bilingual("前馈层", "feed-forward"),
    }
    return Curve(
        Bilingual("宽度变了，参数落在哪里（其余旋钮不动）", "Where the parameters are as d grows (all else as set)"),
        Bilingual("宽度 d", "width d"),
        Bilingual("占全部参数 %", "% of all parameters"),
        [Series(names[part], [float(d) for d in WIDTHS], values) for part, values in shares.items()],
        log_x=True,
        marks=[(float(config.hidden_size), "d")],
        name="width",
    )


def _models() -> Table:
    tiny = mf.BertConfig(hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512)
    rows: list[list[Label | float | None]] = []
    models: list[tuple[Label, mf.BertConfig]] = [
        ("BERT-tiny", tiny),
        ("BERT-base", mf.BertConfig()),
        (Bilingual("BERT-base 中文", "BERT-base Chinese"), mf.BertConfig(vocab_size=21_128)),
        ("BERT-large", LARGE),
    ]
    for name, config in models:
        parts = counted(config)
        embeddings = 100 * (parts["word"] + parts["position"] + parts["type"]) / _encoder(parts)
        rows.append(
            [name, config.num_hidden_layers, config.hidden_size, config.num_attention_heads, f"{_encoder(parts):,}",
             f"{sum(parts.values()):,}", f"{embeddings:.1f}"]
        )  # fmt: skip
    return Table(
        Bilingual("几个公开的 BERT", "BERTs that were published"),
        columns=[
            Bilingual("模型", "model"), "L", "d", "H", Bilingual("参数", "parameters"),
            Bilingual("带预训练头", "with heads"), Bilingual("嵌入 %", "embeddings %"),
        ],
        rows=rows,
        name="models",
    )  # fmt: skip
