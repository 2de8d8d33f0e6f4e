"""Figures whose numbers are known: a small attention by hand, and one of each other kind."""

from __future__ import annotations

import math

import numpy as np

from questions.bilingual import Bilingual
from tui.figures.data import Bars, Curve, Heatmap, Links, Series, Stage, Table, Tensor, TokenRow, Tokens

TOKENS = ("我", "看见", "猫")
FLOAT32_MIN = float(np.finfo(np.float32).min)


def attention(heads: int = 2, *, seed: int = 0, tokens: tuple[str, ...] = TOKENS, arrays: bool = True) -> Heatmap:
    """Causal attention of random scores: scores, scaled by a half, masked, softmax; float64 loops beside no library."""
    random = np.random.default_rng(seed)
    count = len(tokens)
    scores = random.normal(size=(heads, count, count)).astype(np.float32)
    scaled = scores * np.float32(0.5)
    allowed = np.broadcast_to(np.tril(np.ones((count, count), bool)), scores.shape)
    masked = np.where(allowed, scaled, np.float32(FLOAT32_MIN))
    exponents = np.where(allowed, np.exp(scaled), 0)
    weights = (exponents / exponents.sum(-1, keepdims=True)).astype(np.float32)
    stages = [
        ("scores", Bilingual("得分", "scores"), scores, "signed"),
        ("scaled", Bilingual("缩放", "scaled"), scaled, "signed"),
        ("masked", Bilingual("掩码", "masked"), masked, "signed"),
        ("weights", Bilingual("权重", "weights"), weights, "attention"),
    ]
    return Heatmap(
        Bilingual("自注意力", "self-attention"),
        [Stage(name, title, cells if arrays else cells.tolist(), scale) for name, title, cells, scale in stages],  # type: ignore[arg-type]
        tokens,
        tokens,
        heads=[str(head) for head in range(heads)],
        name="attention",
    )


def by_hand() -> Heatmap:
    """One head, one row, three keys; weights 0.25, 0.5 and masked."""
    scores, weights = [[[2.0, 4.0, 8.0]]], [[[0.25, 0.5, 0.0]]]
    return Heatmap(
        "t",
        [
            Stage("scores", "s", scores, "signed"),
            Stage("scaled", "s", [[[1.0, 2.0, 4.0]]], "signed"),
            Stage("mask", "m", [[[True, True, False]]], "mask"),
            Stage("weights", "w", weights),
        ],
        ["我"],
        ["看", "见", "猫"],
    )


def odd() -> Heatmap:
    """NaN, both infinities and a fill."""
    cells = [[[math.nan, math.inf, -math.inf, FLOAT32_MIN, -2.0, 1.0]]]
    return Heatmap("t", [Stage("s", "s", cells, "signed")], "a", "abcdef")


def large(count: int = 512) -> Heatmap:
    cells = np.random.default_rng(0).random((1, count, count), np.float32)
    labels = [f"词{index}" for index in range(count)]
    return Heatmap("large", [Stage("weights", "weights", cells)], labels, labels)


CURVE = Curve(
    Bilingual("熵", "entropy"),
    "d_k",
    Bilingual("奈特", "nats"),
    [
        Series(Bilingual("不缩放", "not scaled"), [4, 8, 16, 32, 64], [3.0, 2.0, math.nan, 1.0, 0.5]),
        Series(Bilingual("缩放", "scaled"), [4, 8, 16, 32, 64], [3.0, 3.0, 3.0, 3.0, math.inf]),
    ],
    log_x=True,
    marks=[(16, Bilingual("现在", "now"))],
    name="entropy",
)
BARS = Bars(
    Bilingual("各头", "heads"),
    [Bilingual("头零", "zero"), "b", "c", "d"],
    [2.0, 1.0, -1.0, math.nan],
    Bilingual("奈特", "nats"),
    reference=(1.0, Bilingual("均匀", "uniform")),
)
TABLE = Table(
    Bilingual("参数", "parameters"),
    [Bilingual("模块", "module"), Bilingual("个数", "count"), "x"],
    [["FFN", 2099712, 0.123456], [Bilingual("嵌入", "embedding"), None, math.inf], ["[/]", 7, True]],
)
TOKEN_STRIPS = Tokens(
    Bilingual("分词", "tokens"),
    [
        TokenRow(
            Bilingual("输入", "input"), ["[CLS]", "画", "蛇", "\n"], [0.0, 0.5, 1.0, math.nan], ["", "遮", "", ""]
        ),
        TokenRow("b", ["x"]),
    ],
)
TENSOR = Tensor(
    Bilingual("权重", "weights"),
    ("head", "query"),
    np.array([[1.0, 0.0, 3.0], [np.nan, np.inf, -4.0]], np.float32),
    "Q Kᵀ",
)
LINKS = Links(
    Bilingual("连线", "lines"),
    ["2", "3"],
    ["我", "看见", "猫"],
    np.array([[0.9, 0.1, 0.0], [0.0, 0.25, 0.75]], np.float32),
    name="links",
)
ALL = [attention(), odd(), CURVE, BARS, TABLE, TOKEN_STRIPS, TENSOR, LINKS]
