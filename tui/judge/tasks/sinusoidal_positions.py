"""PE(pos, 2i) = sin(pos / base^(2i/C)), PE(pos, 2i + 1) = cos(pos / base^(2i/C))."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import case, mistake


def _component(length: int, dims: int, base: float = 10000.0) -> Any:
    import mlxformer as mf
    from mlxformer.backend import to_numpy

    return to_numpy(mf.sinusoidal_positions(length, dims, base=base))


def _positions(
    length: int,
    dims: int,
    base: float = 10000.0,
    *,
    layout: str = "interleaved",
    exponent: str = "right",
    first: int = 0,
    fixed: bool = False,
    degrees: bool = False,
) -> Any:
    """The right table; each argument after the contract's is a mistake."""
    base = 10000.0 if fixed else base
    i = np.arange(dims // 2)
    powers = {"right": 2 * i / dims, "inverted": -2 * i / dims, "half": i / dims, "index": 2.0 * i, "one": i * 0.0}
    powers |= {"from-one": 2 * (i + 1) / dims, "less-one": 2 * i / max(dims - 2, 1)}
    frequencies = look("frequencies", np.asarray(base, np.float64) ** -powers.get(exponent, powers["right"]))
    angles = look("angles", np.arange(first, first + length)[:, None] * frequencies)  # [T, C / 2]
    if degrees:
        angles = np.radians(angles)
    sines, cosines = np.sin(angles), np.cos(angles)
    if exponent == "each":  # the cosine's exponent is that of its own column, (2i + 1) / C
        cosines = np.cos(np.arange(first, first + length)[:, None] * base ** (-(2 * i + 1) / dims))
    if layout == "cosine-first":
        sines, cosines = cosines, sines
    if layout == "halves":
        return np.concatenate([sines, cosines], axis=1).astype(np.float32)
    table = np.stack([sines, sines if layout == "sines" else cosines], axis=-1).reshape(length, dims)
    return table.astype(np.float32)


def _call(length: int, dims: int, **options: float) -> Call:
    return Call("sinusoidal_positions", (length, dims), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(
        name, zh, en, "sinusoidal-positions", "sinusoids", sinusoidal_positions=partial(_positions, **change)
    )


TASK = Task(
    "sinusoidal-positions",
    (Function("sinusoidal_positions", ("length", "dims", "base=10000.0"), (Output("table", ("time", "dim")),)),),
    {"sinusoidal_positions": _component},
    {"sinusoidal_positions": _positions},
    (
        case("by-hand", "手算的例子：C = 2", "by hand: C = 2", _call(2, 2)),
        case("odd-length", "T = 7，C = 6", "T = 7, C = 6", _call(7, 6)),
        case("square", "T = C", "T = C", _call(8, 8)),
        case("one-position", "T = 1", "T = 1", _call(1, 10)),
        case("base", "base = 100", "base = 100", _call(9, 8, base=100.0)),
        case("long", "T = 200，C = 64", "T = 200, C = 64", _call(200, 64)),
    ),
    (
        _mistake(
            "halves",
            "正弦全在前、余弦全在后的位置编码（tensor2tensor 的排法）",
            "positions with all sines before all cosines (tensor2tensor's layout)",
            layout="halves",
        ),
        _mistake(
            "cosine-first",
            "偶数维用余弦、奇数维用正弦的位置编码",
            "positions with the cosine at even dims and the sine at odd ones",
            layout="cosine-first",
        ),
        _mistake("sines-only", "每一维都用正弦的位置编码", "positions of sines alone", layout="sines"),
        _mistake(
            "exponent-of-each-column",
            "余弦那一维的指数用了 (2i + 1)/C 的位置编码（一对不再同频）",
            "positions whose cosine has the exponent (2i + 1)/C, so that a pair is not of one frequency",
            exponent="each",
        ),
        _mistake(
            "exponent-halved",
            "指数写成 i/C 而不是 2i/C 的位置编码",
            "positions with the exponent i/C, not 2i/C",
            exponent="half",
        ),
        _mistake(
            "exponent-not-divided",
            "指数忘了除以 C 的位置编码",
            "positions with the exponent 2i, not divided by C",
            exponent="index",
        ),
        _mistake(
            "frequencies-inverted",
            "频率取了倒数的位置编码",
            "positions with their frequencies inverted",
            exponent="inverted",
        ),
        _mistake(
            "frequencies-from-one",
            "i 从 1 开始的位置编码",
            "positions that count their pairs from 1",
            exponent="from-one",
        ),
        _mistake(
            "frequencies-to-the-end",
            "频率均匀铺到恰好 1/base 的位置编码（除以 C/2 − 1）",
            "positions whose frequencies are spread to end at 1/base exactly (divided by C/2 − 1)",
            exponent="less-one",
        ),
        _mistake("one-frequency", "所有维同一个频率的位置编码", "positions of a single frequency", exponent="one"),
        _mistake("positions-from-one", "位置从 1 开始的位置编码", "positions that start at 1", first=1),
        _mistake(
            "base-ignored",
            "没有理会 base、总用 10000 的位置编码",
            "positions that ignore base and take 10000",
            fixed=True,
        ),
        _mistake("degrees", "把角度当成度数的位置编码", "positions whose angles are taken for degrees", degrees=True),
    ),
)
