"""Counts the parameters of real modules, and opens the trained ``dates`` model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.inspection.flops import count_layer_flops
from mlxformer.models.counting import parameter_shapes
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.experiments.weight_sharing import arithmetic
from tui.experiments.weight_sharing.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage, Table

PAPER = mf.TransformerConfig(vocab_size=37_000)  # Vaswani et al. 2017, Table 3, base
TABLE_3 = 65.0  # million parameters of the base model, Table 3
DEPTHS = (1, 2, 3, 4, 6, 8, 10, 12)
DATE = "23 November 2026"
# ALBERT's ratio of widths, small enough to be run at every turn of a knob.
SMALL_ALBERT = mf.AlbertConfig(
    vocab_size=100,
    embedding_size=16,
    hidden_size=32,
    num_hidden_layers=12,
    num_attention_heads=4,
    intermediate_size=128,
)
MATRICES: dict[str, Label] = {
    "self_attention.query_proj": "W_Q",
    "self_attention.key_proj": "W_K",
    "self_attention.value_proj": "W_V",
    "self_attention.out_proj": "W_O",
    "feed_forward.up_proj": "FFN W_1",
    "feed_forward.down_proj": "FFN W_2",
}
PARTS: dict[str, Label] = {
    "embedding": Bilingual("嵌入与输出", "embeddings and output"),
    "encoder.self_attention": Bilingual("编码器 自注意力", "encoder self-attention"),
    "encoder.feed_forward": Bilingual("编码器 前馈层", "encoder feed-forward"),
    "decoder.self_attention": Bilingual("解码器 自注意力", "decoder self-attention"),
    "decoder.cross_attention": Bilingual("解码器 交叉注意力", "decoder cross-attention"),
    "decoder.feed_forward": Bilingual("解码器 前馈层", "decoder feed-forward"),
    "norm": Bilingual("层归一化", "layer norms"),
}


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    d, layers = int(knobs["d_model"]), int(knobs["layers"])
    config = replace(
        PAPER,
        vocab_size=int(knobs["vocabulary"]),
        dims=d,
        ffn_dims=4 * d,
        num_encoder_layers=layers,
        num_decoder_layers=layers,
        attention_bias=bool(knobs["attention_bias"]),
    )
    unshare = bool(knobs["unshare"])
    report(0.1, "ledger")
    checks = _counts(config, unshare, bool(knobs["tie_all"]))
    checks += _published(unshare, bool(knobs["claim_sharing"]), int(knobs["bert_vocabulary"]))
    ratio = _flops(bool(knobs["run_once"]), report=report)
    checks.append(EXPERIMENT.measured("sharing-saves-no-flops", ratio, 1.0))
    dates = _dates()
    steps = _read(report=report)
    distances, names = _distances(bool(knobs["copy_layers"]))
    checks += [*_tied(dates, steps), _differ(distances), _feed_forward(dates.model, steps, report)]
    drawn = replace(config, tie_embeddings=knobs["tie"] == "three-way")
    if knobs["share_layers"]:
        drawn = _one_of_each(drawn)
    report(0.8, "figures")
    figures: list[Figure] = [
        _ledger(drawn, bool(knobs["share_layers"]), layers),
        _by_depth(config, report),
        _models(),
        _layers(distances, names),
    ]
    return Result(figures, checks, tuple(steps), {"vocab": dates.tokenizer.tokens})


@kept(size=256)
def _count(config: Any) -> int:
    return mf.count_parameters(config)


def _one_of_each(config: mf.TransformerConfig) -> mf.TransformerConfig:
    """What must be stored where all layers of a stack are one: that one."""
    return replace(config, num_encoder_layers=1, num_decoder_layers=1)


def _counts(config: mf.TransformerConfig, unshare: bool, tie_all: bool) -> list[Check]:
    v, d, layers = config.vocab_size, config.dims, config.num_encoder_layers
    untied = replace(config, tie_embeddings=tie_all)
    shared = config if unshare else _one_of_each(config)
    measured = EXPERIMENT.measured
    return [
        measured("tied-parameters", _count(config), arithmetic.transformer(v, d, layers, 1)),
        measured("untied-parameters", _count(untied), arithmetic.transformer(v, d, layers, 3)),
        measured("shared-layer-parameters", _count(shared), arithmetic.transformer(v, d, 1, 1)),
    ]


def _published(unshare: bool, claim_sharing: bool, bert_vocabulary: int) -> list[Check]:
    measured = EXPERIMENT.measured
    separate = _one_of_each(PAPER) if claim_sharing else PAPER
    shared = PAPER if unshare else _one_of_each(PAPER)
    albert = mf.AlbertConfig(num_hidden_groups=12 if unshare else 1)
    return [
        measured("separate-layers-fit-the-paper", _count(separate) / 1e6, (0.95 * TABLE_3, 1.05 * TABLE_3)),
        measured("shared-layers-miss-the-paper", _count(shared) / 1e6, TABLE_3 / 2),
        measured(
            "bert-base-parameters",
            _count(mf.BertConfig(vocab_size=bert_vocabulary)),
            arithmetic.bert_base(),
        ),
        measured(
            "sharing-layers-alone",
            _count(mf.BertConfig(num_hidden_layers=12 if unshare else 1)),
            arithmetic.bert_base(layers=1),
        ),
        measured("albert-base-parameters", _count(albert), arithmetic.albert_base()),
    ]


@kept()
def _dates() -> Any:
    return mf.load_pretrained("dates")


@kept()
def _flops(run_once: bool, *, report: Report = silent) -> float:
    """Twelve runs of one layer against one run of each of twelve."""
    shared = replace(SMALL_ALBERT, num_hidden_layers=1) if run_once else SMALL_ALBERT
    counts = []
    for config in (shared, replace(SMALL_ALBERT, num_hidden_groups=12)):
        model = mf.AlbertModel(config)
        with traced(report, 0.3, model) as steps:
            model(mx.array(np.arange(8, dtype=np.int32)[None]))
        counts.append(count_layer_flops(steps))
    return counts[0] / counts[1]


@kept()
def _read(*, report: Report = silent) -> mf.Trace:
    dates = _dates()
    source = mx.array(np.array([dates.tokenizer.source(DATE)], np.int32))
    target = mx.array(np.array([dates.tokenizer.target("2026-11-23")[:-1]], np.int32))
    with traced(report, 0.5, dates.model) as steps:
        dates.model(source, target)
    return steps


def _tied(dates: Any, steps: mf.Trace) -> list[Check]:
    """Both ends of the one matrix E: what it reads in, times √d, and what it writes out."""
    model = dates.model
    table = to_numpy(dict(tree_flatten(model.parameters()))["source_embedding.weight"]).astype(np.float64)  # [V, C]
    last = steps[f"decoder.layers.{model.config.num_decoder_layers - 1}.output"].value.astype(np.float64)
    logits = steps["logits"].value
    rows = table[np.array(dates.tokenizer.source(DATE))]
    ratio = np.linalg.norm(steps["source_tokens"].value) / np.linalg.norm(rows)
    root = float(model.config.dims) ** 0.5
    return [
        EXPERIMENT.measured(
            "output-reads-the-embedding", float(np.abs(last @ table.T - logits).max() / np.abs(logits).max()), 0.0, 1e-5
        ),
        EXPERIMENT.measured("embeddings-times-sqrt-d", float(ratio), root, 1e-5 * root),
    ]


@kept()
def _distances(copy: bool) -> tuple[np.ndarray, list[str]]:
    """‖A − B‖ / √(‖A‖² + ‖B‖²) of like matrices in any two layers of either stack: [matrices, layers, layers]."""
    model = _dates().model
    parameters: dict[str, Any] = dict(tree_flatten(model.parameters()))
    config = model.config
    names = [f"encoder.layers.{layer}" for layer in range(config.num_encoder_layers)]
    names += [f"decoder.layers.{layer}" for layer in range(config.num_decoder_layers)]
    found = np.zeros((len(MATRICES), len(names), len(names)))
    for matrix, kind in enumerate(MATRICES):
        held = [to_numpy(parameters[f"{names[0] if copy else name}.{kind}.weight"]) for name in names]
        for i, one in enumerate(held):
            for j, other in enumerate(held):
                found[matrix, i, j] = np.linalg.norm(one - other) / np.hypot(np.linalg.norm(one), np.linalg.norm(other))
    return found, [name.replace("coder.layers.", "c ") for name in names]


def _differ(distances: np.ndarray) -> Check:
    apart = ~np.eye(distances.shape[-1], dtype=bool)
    return EXPERIMENT.measured("trained-layers-differ", float(distances[:, apart].min()), 0.5)


def _feed_forward(model: Any, steps: mf.Trace, report: Report) -> Check:
    layer = model.encoder.layers[0]
    x = mx.array(steps["encoder.layers.0.after_self_attention"].value)  # [1, T, C]
    with cancellable(report, 0.6, model):
        whole = to_numpy(layer.feed_forward(x))
        alone = [to_numpy(layer.feed_forward(x[:, t : t + 1])) for t in range(x.shape[1])]
    return EXPERIMENT.measured(
        "feed-forward-same-at-every-position",
        float(np.abs(whole - np.concatenate(alone, axis=1)).max()),
        0.0,
        1e-5 * max(1.0, float(np.abs(whole).max())),
    )


def _parts(config: Any) -> dict[str, int]:
    """The parameters of each part, by their paths."""
    found = dict.fromkeys(PARTS, 0)
    for path, shape in parameter_shapes(config).items():
        size = int(np.prod(shape))
        if "norm" in path:
            found["norm"] += size
        elif path.startswith(("encoder", "decoder")):
            stack, _, _, sublayer = path.split(".")[:4]
            found[f"{stack}.{sublayer}"] += size
        else:
            found["embedding"] += size
    return found


def _ledger(config: mf.TransformerConfig, shared: bool, layers: int) -> Bars:
    parts = _parts(config)
    total = sum(parts.values())
    how = (
        Bilingual(f"{layers} 层共用一套", f"{layers} layers of one set")
        if shared
        else Bilingual(f"{layers} 层各用各的", f"{layers} layers apart")
    )
    tied = Bilingual("嵌入共用", "tied") if config.tie_embeddings else Bilingual("嵌入不共用", "untied")
    return Bars(
        Bilingual(f"参数账本：{tied.zh}，{how.zh}，共 {total:,}", f"Ledger: {tied.en}, {how.en}, {total:,} in all"),
        labels=list(PARTS.values()),
        values=[float(count) / 1e6 for count in parts.values()],
        value_label=Bilingual("百万参数", "million parameters"),
        name="ledger",
    )


def _by_depth(config: mf.TransformerConfig, report: Report) -> Curve:
    """Millions of parameters against N, for what is shared."""

    def millions(depth: int, tied: bool) -> float:
        report(0.9, f"N = {depth}")
        sized = replace(config, num_encoder_layers=depth, num_decoder_layers=depth, tie_embeddings=tied)
        return _count(sized) / 1e6

    depths = DEPTHS
    tied = [millions(depth, True) for depth in depths]
    arms: list[tuple[Label, list[float]]] = [
        (Bilingual("都不共用", "nothing shared"), [millions(depth, False) for depth in depths]),
        (Bilingual("嵌入三处共用（论文）", "three embeddings in one (the paper)"), tied),
        (Bilingual("嵌入和各层都共用", "embeddings and layers shared"), tied[:1] * len(depths)),
    ]
    return Curve(
        Bilingual("参数随层数怎样变", "Parameters against the number of layers"),
        Bilingual("编码器、解码器各 N 层", "N layers in each stack"),
        Bilingual("百万参数", "million parameters"),
        [Series(label, [float(depth) for depth in depths], values) for label, values in arms],
        marks=[(float(config.num_encoder_layers), "N")],
        name="depth",
    )


def _models() -> Table:
    albert_apart = mf.AlbertConfig(num_hidden_groups=12)
    big = replace(PAPER, dims=1024, num_heads=16, ffn_dims=4096)
    rows: list[tuple[Label, Any]] = [
        (Bilingual("Transformer base，嵌入共用（论文）", "Transformer base, tied (the paper)"), PAPER),
        (Bilingual("Transformer base，嵌入不共用", "Transformer base, untied"), replace(PAPER, tie_embeddings=False)),
        (Bilingual("Transformer base，各层共用（流传的说法）", "Transformer base, layers shared (as is claimed)"),
         _one_of_each(PAPER)),
        (Bilingual("Transformer big，嵌入共用", "Transformer big, tied"), big),
        ("BERT-base", mf.BertConfig()),
        (Bilingual("BERT-base，只共用 12 层", "BERT-base, its 12 layers shared, nothing else"),
         mf.BertConfig(num_hidden_layers=1)),
        (Bilingual("ALBERT-base（嵌入也分解）", "ALBERT-base (embeddings in factors, too)"), mf.AlbertConfig()),
        (Bilingual("ALBERT-base，各层不共用", "ALBERT-base, layers apart"), albert_apart),
    ]  # fmt: skip
    return Table(
        Bilingual("由真实模块数出的参数", "Parameters, counted from real modules"),
        columns=[Bilingual("模型", "model"), Bilingual("参数", "parameters")],
        rows=[[name, f"{_count(config):,}"] for name, config in rows],
        name="models",
    )


def _layers(distances: np.ndarray, names: list[str]) -> Heatmap:
    return Heatmap(
        Bilingual(
            "训练好的 dates：两层的同名矩阵相距多远（0 相同，1 互不相干）",
            "Trained dates: how far apart like matrices of two layers are (0 the same, 1 unrelated)",
        ),
        [Stage("distance", Bilingual("距离", "distance"), distances)],
        rows=names,
        columns=names,
        row_axis=Bilingual("层", "layer"),
        column_axis=Bilingual("层", "layer"),
        heads=tuple(MATRICES.values()),
        name="distances",
    )
