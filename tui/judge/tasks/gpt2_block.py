"""GPT-2's block: x + Attention(LN₁(x)), then x + MLP(LN₂(x)), causal, with the tanh GELU."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks import blocks
from tui.judge.tasks.gelu import exact as exact_gelu
from tui.judge.tasks.gelu import tanh as tanh_gelu
from tui.judge.tasks.material import F32, case, drawn, mistake, unit


def _parts(p: Any, order: str = "qkv", layout: str = "thirds", bias: bool = True, num_heads: int = 1) -> Any:
    """The parts of ``p``; ``order`` and ``layout`` say how [C, 3C] is cut."""
    weight, shift = p["attn.c_attn.weight"], p["attn.c_attn.bias"]
    width = weight.shape[0]
    if layout == "by-head":  # [H, 3, D], as GPT-NeoX has it
        cut = np.arange(3 * width).reshape(num_heads, 3, -1).transpose(1, 0, 2).reshape(3, -1)
    else:
        cut = np.arange(3 * width).reshape(3, -1)
    thirds = {name: (weight[:, cut[i]], shift[cut[i]] if bias else None) for i, name in enumerate(order)}
    named = {"norm_1": "ln_1", "norm_2": "ln_2", "o": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"}
    return thirds | {name: (p[f"{key}.weight"], p[f"{key}.bias"]) for name, key in named.items()}


def _component(x: Any, p: Any, num_heads: int) -> Any:
    return blocks.component(x, _parts(p), num_heads, "pre", "gelu_new", "causal")


def _block(
    x: Any,
    p: Any,
    num_heads: int,
    *,
    norm: str = "pre",
    activation: Any = tanh_gelu,
    causal: bool = True,
    order: str = "qkv",
    layout: str = "thirds",
    bias: bool = True,
    **change: Any,
) -> Any:
    """The right block; each argument after the contract's is a mistake."""
    mask = np.tril(np.ones((x.shape[1], x.shape[1]), bool)) if causal else None
    parts = _parts(p, order, layout, bias, num_heads)
    return blocks.layer(x, parts, num_heads, mask, activation, norm=norm, **change)


def parameters(seed: int, width: int, dtype: Any = F32, hidden_bias: float = 0.0) -> dict[str, np.ndarray]:
    """A block's parameters under GPT-2's names, F = 4C."""
    shapes = {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.c_attn.weight": (width, 3 * width),
        "attn.c_attn.bias": (3 * width,),
        "attn.c_proj.weight": (width, width),
        "attn.c_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (width, 4 * width),
        "mlp.c_fc.bias": (4 * width,),
        "mlp.c_proj.weight": (4 * width, width),
        "mlp.c_proj.bias": (width,),
    }
    made = {}
    for place, (name, shape) in enumerate(shapes.items()):
        scale = shape[0] ** -0.5 if len(shape) == 2 else 0.5
        made[name] = drawn(seed + place, *shape, scale=scale)
    made["ln_1.weight"], made["ln_2.weight"] = made["ln_1.weight"] + F32(1), made["ln_2.weight"] + F32(1)
    if hidden_bias:
        made["mlp.c_fc.bias"] = made["mlp.c_fc.bias"] * F32(0.2) + F32(hidden_bias)
        made["mlp.c_fc.weight"] = made["mlp.c_fc.weight"] * F32(0.1)
        made["mlp.c_proj.weight"] = made["mlp.c_proj.weight"] * F32(400)
    return {name: value.astype(dtype) for name, value in made.items()}


def _call(x: np.ndarray, seed: int, heads: int, hidden_bias: float = 0.0) -> Call:
    return Call("gpt2_block", (x, parameters(seed, x.shape[-1], x.dtype, hidden_bias), heads))


def _hand() -> Call:
    """Zero weights but for the last bias: the block adds it."""
    p = {name: np.zeros_like(value) for name, value in parameters(0, 2).items()}
    p["mlp.c_proj.bias"] = np.array([1, 2], F32)
    p["attn.c_proj.bias"] = np.array([10, 0], F32)
    return Call("gpt2_block", (np.array([[[1, 3], [5, 7]]], F32), p, 1))


def _mistake(name: str, zh: str, en: str, question: str, experiment: str, **change: Any) -> Any:
    return mistake(name, zh, en, question, experiment, gpt2_block=partial(_block, **change))


_NORMS = ("pre-ln-vs-post-ln", "norm-placement")
_RESIDUAL = ("residual-rank-collapse", "rank-collapse")
_HEADS = ("multi-head-implementation", "heads")
_FEED = ("feed-forward", "feed-forward")

TASK = Task(
    "gpt2-block",
    (Function("gpt2_block", ("x", "p", "num_heads"), (Output("y", ("batch", "time", "dim")),)),),
    {"gpt2_block": _component},
    {"gpt2_block": _block},
    (
        case(
            "by-hand", "手算的例子：权重全是 0，只加上两个偏置", "by hand: all weights 0, two biases are added", _hand()
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 6), 10, 3)),
        case("square", "T = H = D", "T = H = D", _call(drawn(2, 2, 4, 16), 30, 4)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(3, 1, 1, 8), 50, 2)),
        case("one-head", "一个头", "one head", _call(drawn(4, 2, 6, 4), 70, 1)),
        case("shifted", "均值不为 0 的输入", "inputs with a mean", _call(drawn(5, 2, 5, 8) * 2 + 3, 90, 2)),
        case(
            "negative-hidden",
            "隐藏层都在 −2.3 附近：两种 GELU 分得开",
            "a hidden layer near −2.3, where the two GELUs differ",
            _call(drawn(6, 1, 4, 8), 110, 2, hidden_bias=-2.3),
        ),
        case(
            "large",
            "大到 ±1e4 的输入",
            "inputs to ±1e4",
            _call(np.clip(drawn(7, 1, 5, 8, scale=4e3), -1e4, 1e4), 130, 2),
        ),
        case("float16", "float16", "float16", _call(unit(8, 1, 24, 8), 150, 2), dtype="float16"),
    ),
    (
        _mistake(
            "post-norm",
            "norm 放在残差之后的块（post-norm，GPT-1 的写法）",
            "a post-norm block (GPT-1's)",
            *_NORMS,
            norm="post",
        ),
        _mistake(
            "norm-of-the-sublayer",
            "norm 作用在子层输出上的块",
            "a block that normalizes what its sub-layers return",
            *_NORMS,
            norm="sublayer",
        ),
        _mistake("first-norm-forgotten", "漏了 ln_1 的块", "a block without ln_1", *_NORMS, norms="no-attention"),
        _mistake("second-norm-forgotten", "漏了 ln_2 的块", "a block without ln_2", *_NORMS, norms="no-feed"),
        _mistake(
            "first-norm-twice", "两处都用 ln_1 的块", "a block that uses ln_1 twice", *_NORMS, norms="first-twice"
        ),
        _mistake(
            "residual-of-the-normalized",
            "残差加的是归一化之后的 x 的块",
            "a block whose residual adds the normalized x",
            *_RESIDUAL,
            of="normalized",
        ),
        _mistake(
            "residual-of-the-input",
            "第二个残差加的是块的输入、丢了注意力那一步的块",
            "a block whose second residual adds the block's input and so drops the attention",
            *_RESIDUAL,
            of="input",
        ),
        _mistake(
            "attention-residual-forgotten",
            "注意力没有残差的块",
            "a block without the residual around attention",
            *_RESIDUAL,
            residual="no-attention",
        ),
        _mistake(
            "mlp-residual-forgotten",
            "MLP 没有残差的块",
            "a block without the residual around the MLP",
            *_RESIDUAL,
            residual="no-feed",
        ),
        _mistake(
            "parallel",
            "注意力和 MLP 并排、都读同一个 x 的块（GPT-J 的写法）",
            "a block whose MLP reads the same x as the attention (in parallel, GPT-J's)",
            *_NORMS,
            parallel=True,
        ),
        _mistake(
            "not-causal",
            "没有因果掩码的块",
            "a block without a causal mask",
            "encoder-decoder-masks",
            "leak-tester",
            causal=False,
        ),
        _mistake(
            "exact-gelu", "用了精确 GELU（erf）的块", "a block with the exact GELU (erf)", *_FEED, activation=exact_gelu
        ),
        _mistake("relu", "用了 ReLU 的块", "a block with ReLU", *_FEED, activation=lambda x: np.maximum(x, 0)),
        _mistake(
            "keys-first",
            "把 c_attn 切成 k、q、v 的块",
            "a block that cuts c_attn into k, q, v",
            "qkv-roles",
            "qkv",
            order="kqv",
        ),
        _mistake(
            "cut-by-head",
            "把 c_attn 按头切成 [H, 3, D] 的块（GPT-NeoX 的排法）",
            "a block that cuts c_attn as [H, 3, D] (GPT-NeoX's order)",
            *_HEADS,
            layout="by-head",
        ),
        _mistake(
            "heads-not-transposed",
            "拆头只 reshape、没有转置的块",
            "a block reshaped into heads without transposing",
            *_HEADS,
            split="reshaped",
        ),
        _mistake("c-proj-forgotten", "漏了 attn.c_proj 的块", "a block without attn.c_proj", *_HEADS, out=False),
        _mistake(
            "attention-bias-forgotten",
            "漏了 c_attn 偏置的块",
            "a block without the bias of c_attn",
            *_HEADS,
            bias=False,
        ),
        _mistake("no-scale", "注意力没有除以 √D 的块", "a block without 1/√D", "sqrt-dk", "scaling", scale="none"),
        _mistake(
            "scale-by-d-model",
            "注意力除以 √C 而不是 √D 的块",
            "a block scaled by 1/√C, the model's width",
            "sqrt-dk",
            "scaling",
            scale="model",
        ),
    ),
)
