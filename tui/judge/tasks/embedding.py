"""Rows of a table by id; back, each row gathers the gradients of all places where its id stands."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _layer(table: Any) -> Any:
    from mlxformer.backend import nn

    layer = nn.Embedding(*table.shape)
    layer.weight = table
    return layer


def _forward_component(ids: Any, table: Any) -> Any:
    return _layer(table)(ids)


def _backward_component(ids: Any, dy: Any, vocab_size: int) -> Any:
    from mlxformer.backend import mx

    def weighed(table: Any) -> Any:
        return mx.sum(_layer(table)(ids) * dy)

    return mx.grad(weighed)(mx.zeros((vocab_size, dy.shape[-1]), dy.dtype))


def _embedding(ids: Any, table: Any, *, shift: int = 0, scale: float = 0.0, padding: bool = False) -> Any:
    """The right rows; each argument after the contract's is a mistake."""
    y = table[(ids + shift) % len(table)]
    if padding:
        y = np.where(ids[..., None] == 0, 0, y).astype(table.dtype)
    return y * table.dtype.type(table.shape[1] ** scale) if scale else y


def _backward(ids: Any, dy: Any, vocab_size: int, *, how: str = "added", shift: int = 0) -> Any:
    """The right gradient; each argument after the contract's is a mistake."""
    flat, rows = (ids.reshape(-1) + shift) % vocab_size, dy.reshape(-1, dy.shape[-1])
    if how == "padding":
        rows = np.where(flat[:, None] == 0, 0, rows)
    gradient = np.zeros((vocab_size, dy.shape[-1]), dy.dtype)
    if how == "last":
        gradient[flat] = rows
    elif how == "first":
        gradient[flat[::-1]] = rows[::-1]
    else:
        np.add.at(gradient, flat, rows)
    if how == "averaged":
        gradient /= np.maximum(np.bincount(flat, minlength=vocab_size), 1)[:, None].astype(dy.dtype)
    elif how == "over-all":
        gradient /= dy.dtype.type(len(flat))
    return gradient


def _forward(ids: Any, seed: int, vocab: int, width: int, scale: float = 1.0) -> Call:
    return Call("embedding", (np.array(ids, np.int64), np.clip(drawn(seed, vocab, width, scale=scale), -1e4, 1e4)))


def _back(ids: Any, seed: int, vocab: int, width: int) -> Call:
    ids = np.array(ids, np.int64)
    return Call("embedding_backward", (ids, drawn(seed, *ids.shape, width), vocab))


def _mistake(name: str, zh: str, en: str, forward: Any = None, backward: Any = None) -> Any:
    functions = {"embedding": forward, "embedding_backward": backward}
    where = ("embedding-sqrt-d", "embedding-scale") if name.startswith(("scaled", "divided")) else (None, None)
    return mistake(name, zh, en, *where, **{key: value for key, value in functions.items() if value})


_TABLE = np.array([[1, 2], [3, 4], [5, 6]], F32)
_REPEATED = [[2, 0, 2, 5], [1, 2, 5, 5]]

TASK = Task(
    "embedding",
    (
        Function("embedding", ("ids", "table"), (Output("y", ("batch", "time", "dim")),)),
        Function("embedding_backward", ("ids", "dy", "vocab_size"), (Output("gradient", ("token", "dim")),)),
    ),
    {"embedding": lifted(_forward_component), "embedding_backward": lifted(_backward_component)},
    {"embedding": _embedding, "embedding_backward": _backward},
    (
        case("by-hand", "手算的例子", "an example by hand", Call("embedding", (np.array([[2, 0, 2]]), _TABLE))),
        case(
            "backward-by-hand",
            "反向：同一个词元出现两次，梯度相加",
            "backward, by hand: a token that occurs twice gets the sum",
            Call("embedding_backward", (np.array([[2, 0, 2]]), np.array([[[1, 0], [5, 5], [0, 2]]], F32), 4)),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _forward(_REPEATED, 1, 7, 5)),
        case("one-axis", "一维的 ids", "ids of one axis", _forward([3, 3, 0], 2, 4, 4)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _forward([[1]], 3, 2, 3)),
        case("large", "大到 ±1e4 的数", "values to ±1e4", _forward(_REPEATED, 4, 6, 4, scale=4e3)),
        case("backward-odd-shape", "反向：奇数形状", "backward, an odd shape", _back(_REPEATED, 5, 7, 5)),
        case("backward-one-axis", "反向：一维的 ids", "backward, ids of one axis", _back([3, 3, 0], 6, 4, 4)),
        case("backward-one-token", "反向：B = 1，T = 1", "backward, B = 1, T = 1", _back([[1]], 7, 2, 3)),
        case("backward-all-alike", "反向：全是同一个词元", "backward, one token all over", _back([[2] * 6], 8, 4, 3)),
        case(
            "float16",
            "float16",
            "float16",
            Call("embedding", (np.array([[1, 0, 3]]), unit(9, 4, 8))),
            dtype="float16",
        ),
        case(
            "backward-float16",
            "反向：float16",
            "backward, float16",
            Call("embedding_backward", (np.array([[1, 0, 1, 1]]), unit(10, 1, 4, 8), 3)),
            dtype="float16",
        ),
    ),
    (
        _mistake(
            "overwritten",
            "重复的词元只剩最后一个梯度的反向（`gradient[ids] += dy` 也是这样）",
            "a gradient that keeps the last of repeated tokens (as `gradient[ids] += dy` does too)",
            None,
            partial(_backward, how="last"),
        ),
        _mistake(
            "first-kept",
            "重复的词元只取第一个梯度的反向",
            "a gradient that keeps the first of repeated tokens",
            None,
            partial(_backward, how="first"),
        ),
        _mistake(
            "averaged",
            "对重复的词元取了平均的反向",
            "a gradient averaged over a token's occurrences",
            None,
            partial(_backward, how="averaged"),
        ),
        _mistake(
            "divided-by-all",
            "除以词元总数的反向",
            "a gradient divided by the number of tokens",
            None,
            partial(_backward, how="over-all"),
        ),
        _mistake(
            "ids-from-one",
            "把 id 当成从 1 数起的嵌入",
            "an embedding that counts ids from 1",
            partial(_embedding, shift=-1),
            partial(_backward, shift=-1),
        ),
        _mistake("scaled-by-root-of-c", "乘了 √C 的嵌入", "an embedding times √C", partial(_embedding, scale=0.5)),
        _mistake(
            "divided-by-root-of-c", "除以 √C 的嵌入", "an embedding divided by √C", partial(_embedding, scale=-0.5)
        ),
        _mistake(
            "zero-is-padding",
            "把 id 0 当填充、清成 0 的嵌入",
            "an embedding that takes id 0 for padding",
            partial(_embedding, padding=True),
            partial(_backward, how="padding"),
        ),
    ),
)
