"""The views of a pass as figures: model, heads, one head, one pair, what each layer predicts, what is switched off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.inspection.attentions import Attention
from mlxformer.inspection.products import query_key_products
from questions.bilingual import Bilingual
from tui.experiments.look.measures import MEASURES
from tui.experiments.look.passes import Pass, target_of
from tui.figures.data import (
    KEY,
    QUERY,
    Bars,
    Curve,
    Figure,
    Heatmap,
    Label,
    Links,
    Series,
    Stage,
    Table,
    TokenRow,
    Tokens,
)

TOP = 10  # tokens of a prediction
BEST = 3  # tokens of a layer in the lens
PARTS = {
    "self": Bilingual("自注意力", "self-attention"),
    "encoder": Bilingual("编码器自注意力", "encoder self-attention"),
    "decoder": Bilingual("解码器自注意力", "decoder self-attention"),
    "cross": Bilingual("交叉注意力", "cross-attention"),
}
WRITTEN, SOURCE = Bilingual("写出", "written"), Bilingual("原文", "source")
MEASURE_TITLES = {
    "distance": Bilingual("平均看多远（词元数）", "how far it looks (tokens)"),
    "first": Bilingual("给第一个词元的权重", "weight on the first token"),
    "entropy": Bilingual("熵（bit）", "entropy (bits)"),
    "peak": Bilingual("最大权重的平均", "mean largest weight"),
    "effect": Bilingual(
        "关掉它，最可能的词元的概率变多少", "switched off: change of the likeliest token's probability"
    ),
}
# Distances across source and target mean nothing, and a layer may have fewer heads than another.
UNDEFINED = Bilingual("不适用", "not defined here")
TOKEN, CHANCE = Bilingual("词元", "token"), Bilingual("概率", "probability")
SHORT_CHANCE = Bilingual("概率", "prob.")  # where it heads three columns


@dataclass(frozen=True)
class Shown:
    """What of a pass is looked at: an attention, its head, a place and a key."""

    attention: Attention
    head: int
    place: int
    key: int

    @property
    def name(self) -> str:
        return f"{self.attention.name}.{self.head}"


def best(chances: np.ndarray, count: int) -> list[int]:
    """The ids of the largest probabilities, the largest first; of equals the first."""
    return [int(each) for each in np.argsort(-chances, kind="stable")[:count]]


def attention_figures(seen: Pass, shown: Shown, effects: np.ndarray | None) -> list[Figure]:
    """What every head of the model does, and what the chosen one does."""
    found: list[Figure] = [head_view(seen, shown), all_heads(seen, shown), model_view(seen, effects)]
    if shown.attention.has_queries:
        found += neuron_views(seen, shown)
    return found


def head_view(seen: Pass, shown: Shown, text: Bilingual | None = None) -> Links:
    """Lines between tokens, as thick as the weight."""
    rows, columns = seen.labels(shown.attention)
    part = PARTS[shown.attention.part]
    cross = shown.attention.part == "cross"
    zh, en = ("", "") if text is None else (f"（{text.zh}）", f" ({text.en})")
    return Links(
        Bilingual(
            f"连线（越粗权重越大）：{part.zh}，头 {shown.name}{zh}",
            f"lines, the thicker the weight: {part.en}, head {shown.name}{en}",
        ),
        rows,
        columns,
        seen.maps[shown.attention.name]["weights"][shown.head],
        *((WRITTEN, SOURCE) if cross else (QUERY, KEY)),
        "head",
    )


def all_heads(seen: Pass, shown: Shown) -> Heatmap:
    """Every head of every layer of the part, whose grid (``g``) is layers by heads."""
    own = seen.subject.of_part(shown.attention.part)
    rows, columns = seen.labels(shown.attention)
    values = {name: np.concatenate([seen.maps[each.name][name] for each in own]) for name in ("scaled", "weights")}
    before = sum(each.heads for each in own if each.layer < shown.attention.layer)
    part = PARTS[shown.attention.part]
    cross = shown.attention.part == "cross"
    return Heatmap(
        Bilingual(f"所有头：{part.zh}", f"all heads: {part.en}"),
        [
            Stage("scaled", Bilingual("缩放后", "scaled"), values["scaled"], "signed"),
            Stage("weights", Bilingual("权重", "weights"), values["weights"]),
        ],
        rows,
        columns,
        *((WRITTEN, SOURCE) if cross else (QUERY, KEY)),
        heads=[f"{each.layer}.{head}" for each in own for head in range(each.heads)],
        name="heads",
        head=before + shown.head,
        beside=shown.attention.heads,
    )


def model_view(seen: Pass, effects: np.ndarray | None) -> Heatmap:
    """Layers by heads, each in a number."""
    all_of_them = seen.subject.attentions
    most = max(each.heads for each in all_of_them)
    stages = [
        Stage(name, MEASURE_TITLES[name], [_by_head(seen, all_of_them, measure, most)])
        for name, measure in MEASURES.items()
        if name != "distance" or any(each.part != "cross" for each in all_of_them)
    ]
    if effects is not None:
        stages.append(Stage("effect", MEASURE_TITLES["effect"], [effects], "signed"))
    return Heatmap(
        Bilingual("模型：层 × 头", "model: layers × heads"),
        stages,
        [each.name for each in all_of_them],
        [str(head) for head in range(most)],
        Bilingual("层", "layer"),
        Bilingual("头", "head"),
        name="model",
        opens=True,
        hole=UNDEFINED,
    )


def _by_head(seen: Pass, some: Sequence[Attention], measure: Callable[[np.ndarray], np.ndarray], most: int) -> Any:
    found = np.full((len(some), most), np.nan)
    for row, attention in enumerate(some):
        if measure is MEASURES["distance"] and attention.part == "cross":
            continue  # places in source and target are not comparable
        found[row, : attention.heads] = measure(seen.maps[attention.name]["weights"])
    return found


@dataclass(frozen=True, eq=False)
class Pair:
    """Where the score of a query and a key comes from: q and k, float64 [D], and what became of it."""

    query: np.ndarray
    key: np.ndarray
    products: np.ndarray  # of the query with every key, [Tk, D]
    scaled: float
    weight: float

    @staticmethod
    def of(seen: Pass, shown: Shown) -> Pair:
        """Read from the steps of the attention that is shown."""
        steps = {step.path.removeprefix(f"{shown.attention.path}."): step.value for step in seen.steps}
        skipped = seen.text.skipped
        query = shown.place + (skipped if shown.attention.part in ("encoder", "self") else 0)
        first = 0 if shown.attention.part == "decoder" else skipped
        products = query_key_products(steps["queries"], steps["keys"], shown.head, query)[first:]
        group = steps["queries"].shape[1] // steps["keys"].shape[1]
        q, k = steps["queries"][0, shown.head, query], steps["keys"][0, shown.head // group, first + shown.key]
        maps = seen.maps[shown.attention.name]
        scaled, weight = (float(maps[name][shown.head, shown.place, shown.key]) for name in ("scaled", "weights"))
        return Pair(q.astype(np.float64), k.astype(np.float64), products, scaled, weight)


def neuron_views(seen: Pass, shown: Shown) -> list[Figure]:
    """The score of a query with every key, dimension by dimension, and of one pair to the last digit."""
    rows, columns = seen.labels(shown.attention)
    token, key = rows[shown.place], columns[shown.key]
    pair = Pair.of(seen, shown)
    product = pair.products[shown.key]
    order = np.argsort(-np.abs(product), kind="stable")
    lines: list[list[Any]] = []
    total = 0.0
    for dimension in order.tolist():
        total += float(product[dimension])
        numbers = (float(each[dimension]) for each in (pair.query, pair.key, product))
        lines.append([dimension, *numbers, total])
    lines.append(["Σ = q·k", None, None, float(product.sum()), total])
    lines.append([Bilingual("缩放后", "scaled"), None, None, pair.scaled, None])
    lines.append([Bilingual("权重", "weight"), None, None, pair.weight, None])
    width = product.shape[0]
    return [
        Heatmap(
            Bilingual(
                f"q ⊙ k：{token} 对每个键，按维度（头 {shown.name}）",
                f"q ⊙ k: {token} with every key, by dimension (head {shown.name})",
            ),
            [Stage("product", Bilingual("q ⊙ k", "q ⊙ k"), pair.products[None], "signed")],
            list(columns),
            [str(each) for each in range(width)],
            Bilingual("键", "key"),
            Bilingual("维度", "dimension"),
            name="neurons",
        ),
        Table(
            Bilingual(
                f"{token} → {key}：{width} 个乘积，加起来就是得分 {product.sum():.4f}",
                f"{token} → {key}: {width} products, whose sum is the score {product.sum():.4f}",
            ),
            [Bilingual("维度", "dimension"), "q", "k", "q ⊙ k", Bilingual("加到这里", "sum so far")],
            lines,
            name="pair",
        ),
    ]


def prediction_figures(seen: Pass, place: int) -> list[Figure]:
    """What comes at a place, and how it comes about from layer to layer."""
    if seen.logits is None:
        return []
    words, chances = seen.subject.words, seen.probabilities(place)
    top = best(chances, TOP)
    where = _where(seen, place)
    found: list[Figure] = []
    layers = seen.lens(place)
    if layers is not None:
        found += _lens(seen, layers, top, where)
    found.append(
        Bars(
            Bilingual(f"预测：{where.zh}", f"prediction: {where.en}"),
            list(words(top)),
            [float(chances[each]) for each in top],
            CHANCE,
            name="prediction",
        )
    )
    return found


def _where(seen: Pass, place: int) -> Bilingual:
    """Which place a prediction is for."""
    token = seen.rows[place]
    if seen.subject.kind == "masked-lm":
        return Bilingual(f"第 {place} 个词元 {token} 处", f"at token {place}, {token}")
    if seen.subject.kind == "encoder-decoder":
        before = "".join(seen.target[1 : place + 1]) or seen.target[0]
        return Bilingual(f"写到“{before}”之后", f"after writing “{before}”")
    return Bilingual(f"第 {place} 个词元 {token} 之后", f"after token {place}, {token}")


def _lens(seen: Pass, layers: np.ndarray, top: Sequence[int], where: Bilingual) -> list[Figure]:
    words = seen.subject.words
    names: list[Label] = [Bilingual("嵌入", "embeddings"), *(str(layer) for layer in range(len(layers) - 1))]
    final = words(top[:1])[0]
    rows: list[list[Any]] = []
    for name, chances in zip(names, layers, strict=True):
        own = best(chances, BEST)
        cells: list[Any] = [name]
        for token, word in zip(own, words(own), strict=True):
            cells += [word, float(chances[token])]
        rank = int((chances > chances[top[0]]).sum()) + 1
        rows.append([*cells, float(chances[top[0]]), rank])
    columns: list[Label] = [Bilingual("层", "layer")]
    for number in range(1, BEST + 1):
        columns += [Bilingual(f"第 {number}", f"no. {number}"), SHORT_CHANCE]
    columns += [f"p({final})", Bilingual("排名", "rank")]
    places = [float(each) for each in range(len(layers))]
    return [
        Table(
            Bilingual(f"每层会预测什么：{where.zh}", f"what each layer would predict, {where.en}"),
            columns,
            rows,
            name="lens",
        ),
        Curve(
            Bilingual(f"答案逐层形成：{where.zh}", f"the answer, layer by layer, {where.en}"),
            Bilingual("经过的层数（0 是嵌入）", "layers passed (0: the embeddings)"),
            CHANCE,
            [
                Series(word, places, layers[:, token].tolist())
                for token, word in zip(top[:5], words(top[:5]), strict=True)
            ],
            name="lens-curve",
            y_ends=(0.0, 1.0),
        ),
    ]


def off_figures(whole: Pass, without: Pass, place: int) -> list[Figure]:
    """The prediction before and after something was switched off."""
    names = " ".join(without.off)
    found: list[Figure] = []
    if whole.logits is None:
        return [_other_maps(whole, without, names)] if whole.maps else []
    before, after = whole.probabilities(place), without.probabilities(place)
    ids = list(dict.fromkeys([*best(before, 5), *best(after, 5)]))
    where = _where(whole, place)
    rows: list[list[Any]] = [
        [word, float(before[token]), float(after[token]), float(after[token] - before[token])]
        for token, word in zip(ids, whole.subject.words(ids), strict=True)
    ]
    found.append(
        Table(
            Bilingual(f"关掉 {names}：{where.zh}", f"{names} switched off: {where.en}"),
            [TOKEN, Bilingual("原来", "before"), Bilingual("关掉后", "after"), Bilingual("变化", "change")],
            rows,
            name="off",
        )
    )
    if whole.written:
        found.append(_written_anew(whole, without, names))
    return found


def _written_anew(whole: Pass, without: Pass, names: str) -> Tokens:
    """Along what the whole model wrote: the probability of each token before and after; what is then written."""
    assert whole.logits is not None
    ids = _ids_of_written(whole)
    strips = []
    for label, each in ((Bilingual("原来", "before"), whole), (Bilingual("关掉后", "after"), without)):
        chances = [float(each.probabilities(at)[token]) for at, token in enumerate(ids)]
        marks = [f"{100 * chance:.0f}" for chance in chances]
        strips.append(TokenRow(label, whole.written, chances, marks))
    return Tokens(
        Bilingual(
            f"关掉 {names}，它会写“{without.rewritten}”（原来“{whole.rewritten}”）；下面是原文逐个词元的概率（%）",
            f"without {names} it writes “{without.rewritten}” (before “{whole.rewritten}”); below, each token's % ",
        ),
        strips,
        name="rewritten",
    )


def _ids_of_written(seen: Pass) -> list[int]:
    return [int(each) for each in target_of(seen.subject, seen.text.text)[1:]]


def _other_maps(whole: Pass, without: Pass, names: str) -> Heatmap:
    """Of a model that predicts nothing: how its last layer's weights change."""
    attention = whole.subject.attentions[-1]
    change = without.maps[attention.name]["weights"] - whole.maps[attention.name]["weights"]
    rows, columns = whole.labels(attention)
    return Heatmap(
        Bilingual(f"关掉 {names}：最后一层的权重变多少", f"{names} switched off: how the last layer's weights change"),
        [Stage("change", Bilingual("变化", "change"), change, "signed")],
        rows,
        columns,
        heads=[str(head) for head in range(attention.heads)],
        name="off",
    )


def compared_figures(first: Pass, second: Pass, shown: Shown) -> list[Figure]:
    """Two texts: what differs in each head, the second's lines, and both predictions."""
    some = first.subject.attentions
    found: list[Figure] = []
    if some:
        most = max(each.heads for each in some)
        stages = [
            Stage(name, MEASURE_TITLES[name], [_by_head(second, some, measure, most)
                                               - _by_head(first, some, measure, most)], "signed")
            for name, measure in MEASURES.items()
            if name != "distance" or any(each.part != "cross" for each in some)
        ]  # fmt: skip
        found.append(
            Heatmap(
                Bilingual("两段文字：第二段减第一段", "two texts: the second minus the first"),
                stages,
                [each.name for each in some],
                [str(head) for head in range(most)],
                Bilingual("层", "layer"),
                Bilingual("头", "head"),
                name="difference",
                opens=True,
                hole=UNDEFINED,
            )
        )
        found.append(head_view(second, shown, Bilingual("第二段", "second text")))
    if first.logits is not None and second.logits is not None:
        found.append(_both_predictions(first, second))
    return found


def _both_predictions(first: Pass, second: Pass) -> Table:
    one, other = (each.probabilities(each.place) for each in (first, second))
    ids = list(dict.fromkeys([*best(one, 5), *best(other, 5)]))
    rows: list[list[Any]] = [
        [word, float(one[token]), float(other[token]), float(other[token] - one[token])]
        for token, word in zip(ids, first.subject.words(ids), strict=True)
    ]
    where = [_where(each, each.place) for each in (first, second)]
    return Table(
        Bilingual(f"两段的预测：{where[0].zh}；{where[1].zh}", f"both predictions: {where[0].en}; {where[1].en}"),
        [TOKEN, Bilingual("第一段", "first"), Bilingual("第二段", "second"), Bilingual("变化", "change")],
        rows,
        name="both",
    )
