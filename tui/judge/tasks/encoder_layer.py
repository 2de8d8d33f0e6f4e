"""The encoder layer: post-norm LN(x + Sublayer(x)), or pre-norm x + Sublayer(LN(x)); ReLU, attention without biases."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks import blocks
from tui.judge.tasks.gelu import exact as exact_gelu
from tui.judge.tasks.material import F32, case, drawn, mistake, unit

_NAMES = {"q": "w_q", "k": "w_k", "v": "w_v", "o": "w_o"}


def _parts(p: Any) -> Any:
    parts = {name: (p[key], None) for name, key in _NAMES.items()}
    parts |= {"up": (p["w_1"], p["b_1"]), "down": (p["w_2"], p["b_2"])}
    return parts | {name: (p[f"{name}.weight"], p[f"{name}.bias"]) for name in ("norm_1", "norm_2")}


def _component(x: Any, p: Any, num_heads: int, norm: str = "post", mask: Any = None) -> Any:
    return blocks.component(x, _parts(p), num_heads, norm, "relu", mask)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def _layer(
    x: Any,
    p: Any,
    num_heads: int,
    norm: str = "post",
    mask: Any = None,
    *,
    always: str = "",
    activation: Any = _relu,
    causal: bool = False,
    **change: Any,
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    seen = None if mask is None else mask[:, None, None, :]
    if causal:
        triangle = np.tril(np.ones((x.shape[1], x.shape[1]), bool))
        seen = triangle if seen is None else seen & triangle
    return blocks.layer(x, _parts(p), num_heads, seen, activation, norm=always or norm, **change)


def _parameters(seed: int, width: int, hidden: int, dtype: Any = F32) -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_NAMES.values(), (width, width))
    shapes |= {"norm_1.weight": (width,), "norm_1.bias": (width,), "norm_2.weight": (width,), "norm_2.bias": (width,)}
    shapes |= {"w_1": (width, hidden), "b_1": (hidden,), "w_2": (hidden, width), "b_2": (width,)}
    made = {}
    for place, (name, shape) in enumerate(shapes.items()):
        made[name] = drawn(seed + place, *shape, scale=shape[0] ** -0.5 if len(shape) == 2 else 0.5)
        if name.endswith("weight"):
            made[name] = made[name] + F32(1)
    return {name: value.astype(dtype) for name, value in made.items()}


def _call(x: np.ndarray, seed: int, hidden: int, heads: int, **options: Any) -> Call:
    return Call("encoder_layer", (x, _parameters(seed, x.shape[-1], hidden, x.dtype), heads), options)


def _hand(norm: str) -> Call:
    """All weights 0: post-norm normalizes x twice, pre-norm gives it back."""
    p = {name: np.zeros_like(value) for name, value in _parameters(0, 2, 3).items()}
    p |= {"norm_1.weight": np.ones(2, F32), "norm_2.weight": np.ones(2, F32)}
    return Call("encoder_layer", (np.array([[[1, 3], [9, 5]]], F32), p, 1), {"norm": norm})


def _mistake(name: str, zh: str, en: str, question: str, experiment: str, **change: Any) -> Any:
    return mistake(name, zh, en, question, experiment, encoder_layer=partial(_layer, **change))


_NORMS = ("pre-ln-vs-post-ln", "norm-placement")
_RESIDUAL = ("residual-rank-collapse", "rank-collapse")
_HEADS = ("multi-head-implementation", "heads")
_PADDING = ("padding-mask", "padding")
_FEED = ("feed-forward", "feed-forward")
_MASK = np.array([[True, True, True, False, False], [True] * 5])
_BLIND = np.array([[False] * 4, [True, False, True, True]])

TASK = Task(
    "encoder-layer",
    (
        Function(
            "encoder_layer",
            ("x", "p", "num_heads", 'norm="post"', "mask=None"),
            (Output("y", ("batch", "time", "dim")),),
        ),
    ),
    {"encoder_layer": _component},
    {"encoder_layer": _layer},
    (
        case(
            "by-hand",
            "手算的例子：权重全是 0，post-norm 只归一化",
            "by hand: all weights 0, post-norm normalizes",
            _hand("post"),
        ),
        case(
            "by-hand-pre",
            "手算的例子：权重全是 0，pre-norm 原样返回",
            "by hand: all weights 0, pre-norm gives x back",
            _hand("pre"),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 6), 10, 9, 3)),
        case(
            "pre-norm", "pre-norm", "pre-norm, shifted inputs", _call(drawn(2, 2, 4, 8) * 2 + 1, 30, 16, 2, norm="pre")
        ),
        case("padding", "有填充", "padding", _call(drawn(3, 2, 5, 8), 50, 16, 2, mask=_MASK)),
        case(
            "padding-pre",
            "pre-norm，有填充",
            "pre-norm with padding",
            _call(drawn(4, 2, 5, 8), 70, 16, 2, norm="pre", mask=_MASK),
        ),
        case(
            "sees-nothing",
            "有一句全是填充",
            "a row that is all padding",
            _call(drawn(5, 2, 4, 8), 90, 8, 2, mask=_BLIND),
        ),
        case("square", "T = H = D", "T = H = D", _call(drawn(6, 2, 4, 16), 110, 8, 4, norm="pre")),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(7, 1, 1, 4), 130, 6, 2)),
        case(
            "large",
            "大到 ±1e4 的输入",
            "inputs to ±1e4",
            _call(np.clip(drawn(8, 1, 5, 8, scale=4e3), -1e4, 1e4), 150, 16, 2, norm="pre"),
        ),
        case("float16", "float16", "float16", _call(unit(9, 1, 24, 8), 170, 16, 2), dtype="float16"),
    ),
    (
        _mistake(
            "always-post",
            "没有理会 norm、总是 post-norm 的层",
            "a layer that is post-norm whatever is asked",
            *_NORMS,
            always="post",
        ),
        _mistake(
            "always-pre",
            "没有理会 norm、总是 pre-norm 的层",
            "a layer that is pre-norm whatever is asked",
            *_NORMS,
            always="pre",
        ),
        _mistake(
            "norm-of-the-sublayer",
            "先归一化子层输出、再加残差的层",
            "a layer that normalizes what its sub-layers return, and adds then",
            *_NORMS,
            always="sublayer",
        ),
        _mistake(
            "norms-swapped",
            "两个 norm 的参数用反的层",
            "a layer with the parameters of its norms swapped",
            *_NORMS,
            norms="swapped",
        ),
        _mistake(
            "first-norm-twice", "两处都用 norm_1 的层", "a layer that uses norm_1 twice", *_NORMS, norms="first-twice"
        ),
        _mistake("first-norm-forgotten", "漏了 norm_1 的层", "a layer without norm_1", *_NORMS, norms="no-attention"),
        _mistake("second-norm-forgotten", "漏了 norm_2 的层", "a layer without norm_2", *_NORMS, norms="no-feed"),
        _mistake(
            "residual-of-the-normalized",
            "pre-norm 时残差加的是归一化之后的 x 的层",
            "a layer whose pre-norm residual adds the normalized x",
            *_RESIDUAL,
            of="normalized",
        ),
        _mistake(
            "residual-of-the-input",
            "第二个残差加的是层的输入的层",
            "a layer whose second residual adds the layer's input",
            *_RESIDUAL,
            of="input",
        ),
        _mistake(
            "attention-residual-forgotten",
            "注意力没有残差的层",
            "a layer without the residual around attention",
            *_RESIDUAL,
            residual="no-attention",
        ),
        _mistake(
            "feed-forward-residual-forgotten",
            "前馈没有残差的层",
            "a layer without the residual around the feed-forward",
            *_RESIDUAL,
            residual="no-feed",
        ),
        _mistake("no-residual", "两处都没有残差的层", "a layer without residuals", *_RESIDUAL, residual="none"),
        _mistake(
            "relu-forgotten",
            "前馈里没有非线性的层",
            "a layer whose feed-forward has no ReLU",
            *_FEED,
            activation=lambda x: x,
        ),
        _mistake("gelu", "前馈用了 GELU 的层", "a layer with GELU for ReLU", *_FEED, activation=exact_gelu),
        _mistake("mask-ignored", "没用上掩码的层", "a layer that ignores its mask", *_PADDING, masking="ignored"),
        _mistake("mask-inverted", "掩码用反了的层", "a layer with the mask inverted", *_PADDING, masking="inverted"),
        _mistake(
            "row-of-nan",
            "全是填充的句子成了 NaN 的层",
            "a layer with NaN where a row is all padding",
            *_PADDING,
            masking="minus-infinity",
        ),
        _mistake(
            "causal",
            "加了因果掩码的编码器层",
            "an encoder layer with a causal mask",
            "bert-which-half",
            "encoder-half",
            causal=True,
        ),
        _mistake(
            "heads-not-transposed",
            "拆头只 reshape、没有转置的层",
            "a layer reshaped into heads without transposing",
            *_HEADS,
            split="reshaped",
        ),
        _mistake("w-o-forgotten", "忘了 W_O 的层", "a layer without W_O", *_HEADS, out=False),
        _mistake("no-scale", "没有除以 √D 的层", "a layer without 1/√D", "sqrt-dk", "scaling", scale="none"),
    ),
)
