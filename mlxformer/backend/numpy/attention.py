"""Scaled dot-product attention, block by block.

Scores are made for one block of queries and keys at a time, and a running maximum and sum turn block sums into the
softmax's (the online softmax: Milakov & Gimelshein 2018; Dao et al. 2022, algorithm 1). Nothing of size Tq·Tk is ever
kept, forward or backward, and a block stays in the cache. Where all scores fit into one block there is nothing to
correct, and the same code is the plain softmax(q kᵀ) v.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from .arrays import array, wrap
from .blas import each_product
from .operands import operand, quiet
from .primitives import Function, differentiable, plain
from .tape import unrecorded

# Scores in one block (1 MiB), and its most keys: a compromise between the cache and NumPy's cost for each call.
BLOCK_SCORES = 1 << 18
BLOCK_KEYS = 512
SHARED_SCORES = 1 << 15  # the fewest in a block that is made smaller to have some for other threads: 0.1 ms
CAUSAL_QUERIES = 128  # the most in a causal block: half of its last square of keys is computed and not seen

# exp of scores within ±40 sums to at most 2e17 a key, and none of it is lost below float32.
SMALL, FEWEST = 40.0, 64
_LOWEST = np.finfo(np.float32).min


class _Scratch(threading.local):
    """The few blocks that a thread works in. Kept, as fresh memory costs more to touch than the block to compute."""

    def __init__(self) -> None:
        self.blocks: dict[str, np.ndarray] = {}

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """An array of ``shape``, of undefined content, until the next call with this name."""
        size = math.prod(shape)
        if name not in self.blocks or self.blocks[name].size < size:
            self.blocks[name] = np.empty(size, np.float32)
        return self.blocks[name][:size].reshape(shape)


_scratch = _Scratch()


class _Problem(NamedTuple):
    """The operands, with query heads grouped by the key head that they share: R = H / Hkv."""

    q: np.ndarray  # [B, Hkv, R, Tq, D]
    k: np.ndarray  # [B, Hkv, Tk, D]
    v: np.ndarray  # [B, Hkv, Tk, Dv]
    mask: np.ndarray | None  # broadcast to [B, Hkv, R, Tq, Tk]: boolean, or added to the scores
    causal: bool
    scale: np.float32
    small: bool = False  # whether no score can be so large that its row's maximum must be taken off before exp
    beyond: np.ndarray | None = None  # [B, Hkv, R, Tq, 1]: rows whose scores left float32; they pass nothing on


class _Block(NamedTuple):
    """The heads and queries of one step: slices of B, Hkv and Tq."""

    batch: slice
    heads: slice
    queries: slice

    def rows(self, x: np.ndarray) -> np.ndarray:
        """This block of x [B, Hkv, R, Tq, ...], with a group's queries one after another: [b, h, R·tq, ...]."""
        part = x[self.batch, self.heads, :, self.queries]
        return part.reshape(*part.shape[:2], -1, *part.shape[4:])


def _problem(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> _Problem:
    for name, x in (("queries", q), ("keys", k), ("values", v)):
        if x.ndim != 4:
            raise ValueError(f"scaled_dot_product_attention: {name} have rank {x.ndim}; it takes [B, H, T, D].")
    (B, H, Tq, D), Hkv = q.shape, k.shape[1]
    if k.shape[0] != B or v.shape[:3] != k.shape[:3] or k.shape[3] != D or H % Hkv:
        raise ValueError(
            f"scaled_dot_product_attention: queries {q.shape}, keys {k.shape} and values {v.shape} do not fit together."
        )
    R, Tk = H // Hkv, k.shape[2]
    grouped_mask = None
    if mask is not None:
        shape = (1,) * (4 - mask.ndim) + mask.shape
        if any(size not in (1, full) for size, full in zip(shape, (B, H, Tq, Tk), strict=True)):
            raise ValueError(f"scaled_dot_product_attention: mask {mask.shape} does not broadcast to {(B, H, Tq, Tk)}.")
        groups = (1, 1) if shape[1] == 1 else (Hkv, R)
        grouped_mask = _numbers(mask).reshape(shape[0], *groups, *shape[2:])
    grouped, keys = _numbers(q).reshape(B, Hkv, R, Tq, D), _numbers(k)
    small = (grouped_mask is None or grouped_mask.dtype == np.bool_) and _are_small(grouped, keys, scale)
    return _Problem(grouped, keys, _numbers(v), grouped_mask, causal, np.float32(scale), small)


@quiet
def _are_small(q: np.ndarray, k: np.ndarray, scale: float) -> bool:
    """Whether |q·k| ≤ ‖q‖ ‖k‖ keeps all scores within ``SMALL``; not asked of few queries, where that costs more."""
    if q.shape[2] * q.shape[3] < FEWEST or not k.size:
        return False
    longest = [float(np.einsum("...d,...d->...", x, x).max()) for x in (q, k)]
    return abs(scale) * math.sqrt(longest[0] * longest[1]) <= SMALL


def _numbers(x: Any) -> np.ndarray:
    return x._data if x.dtype == np.bool_ else x._data.astype(np.float32, copy=False)


def _block_sizes(p: _Problem) -> tuple[int, int, int, int]:
    """How much of B, Hkv, Tq and Tk one block takes."""
    B, Hkv, R, Tq, _ = p.q.shape
    Tk = p.k.shape[2]
    if R * Tq * Tk > BLOCK_SCORES or (p.causal and Tq > CAUSAL_QUERIES):
        keys = min(Tk, BLOCK_KEYS)
        queries = min(Tq, max(16, BLOCK_SCORES // (R * keys)))
        if p.causal:
            queries = min(queries, max(16, CAUSAL_QUERIES // R))
        return 1, max(BLOCK_SCORES // (R * queries * keys), 1), queries, keys
    scores = min(BLOCK_SCORES, max(B * Hkv * R * Tq * Tk // 4, SHARED_SCORES))
    heads = max(scores // max(R * Tq * Tk, 1), 1)
    if heads >= Hkv:
        return max(heads // max(Hkv, 1), 1), Hkv, Tq, Tk
    return 1, -(-Hkv // -(-Hkv // heads)), Tq, Tk  # as many blocks as must be, of about the same size


def _blocks(p: _Problem) -> Iterator[_Block]:
    B, Hkv, _, Tq, _ = p.q.shape
    batch, heads, queries, _ = _block_sizes(p)
    for b in range(0, B, max(batch, 1)):
        for h in range(0, Hkv, max(heads, 1)):
            for t in range(0, Tq, max(queries, 1)):
                yield _Block(slice(b, b + batch), slice(h, h + heads), slice(t, min(t + queries, Tq)))


def _key_blocks(p: _Problem, block: _Block) -> Iterator[slice]:
    """The keys for a block of queries; causal ones stop at the last key that its last query may see."""
    Tq, Tk = p.q.shape[3], p.k.shape[2]
    end = Tk
    # With more queries than keys the first queries see nothing: they take the mean of all values, as in MLX.
    if p.causal and block.queries.start + Tk - Tq >= 0:
        end = min(Tk, block.queries.stop + Tk - Tq)
    step = _block_sizes(p)[3]
    for start in range(0, end, max(step, 1)):
        yield slice(start, min(start + step, end))


def _mask_part(p: _Problem, block: _Block, keys: slice) -> tuple[slice, ...]:
    """Where a block lies in the mask: all of an axis of 1, which broadcasts."""
    assert p.mask is not None
    wanted = (block.batch, block.heads, slice(None), block.queries, keys)
    return tuple(slice(None) if size == 1 else part for part, size in zip(wanted, p.mask.shape, strict=True))


def _scaled_queries(p: _Problem, block: _Block) -> np.ndarray:
    """The queries of a block times the scale: [b, h, R·tq, D]."""
    part = p.q[block.batch, block.heads, :, block.queries]
    scaled = np.multiply(part, p.scale, out=_scratch.take("queries", part.shape))
    return scaled.reshape(*part.shape[:2], -1, part.shape[-1])


def _scores(p: _Problem, block: _Block, queries: np.ndarray, keys: slice) -> np.ndarray:
    """The masked scores of scaled ``queries`` [b, h, R·tq, D] and a block of keys: [b, h, R·tq, tk]."""
    block_keys = p.k[block.batch, block.heads, keys].swapaxes(-1, -2)
    scores = _scratch.take("scores", (*queries.shape[:-1], block_keys.shape[-1]))
    np.matmul(queries, block_keys, out=scores)
    by_query = scores.reshape(*scores.shape[:2], p.q.shape[2], -1, scores.shape[-1])  # [b, h, R, tq, tk]
    if p.mask is not None:
        part = p.mask[_mask_part(p, block, keys)]
        if part.dtype == np.bool_:
            np.copyto(by_query, _LOWEST, where=~part)
        else:
            by_query += part
    if p.causal:
        last_seen = block.queries.start + p.k.shape[2] - p.q.shape[3]  # by the first query, and so by all of them
        beyond = max(last_seen + 1, keys.start)
        if beyond < keys.stop:
            seen = np.arange(last_seen, last_seen + by_query.shape[3])[:, None]
            np.copyto(by_query[..., beyond - keys.start :], _LOWEST, where=seen < np.arange(beyond, keys.stop))
    return scores


def _exponentials(p: _Problem, scores: np.ndarray, top: np.ndarray) -> np.ndarray:
    if not p.small:
        scores -= top
    return np.exp(scores, out=scores)


def _row_sums(weights: np.ndarray) -> np.ndarray:
    """[..., 1]; a product with ones adds rows twice as fast as einsum, which is faster than ``sum``."""
    return weights @ np.ones((weights.shape[-1], 1), np.float32)


def _finite(top: np.ndarray) -> np.ndarray:
    """A row of −inf has nothing to subtract."""
    return np.where(top == -np.inf, np.float32(0), top)


def _attend_block(p: _Problem, block: _Block, heads: np.ndarray) -> np.ndarray:
    """Fills ``heads`` [b, h, R·tq, Dv]; gives each row's maximum and sum of exponentials, [b, h, R·tq, 2]."""
    queries = _scaled_queries(p, block)
    total, top, none = None, None, np.zeros((*queries.shape[:-1], 1), np.float32)
    shift = none  # the maximum, where it can be subtracted
    for keys in _key_blocks(p, block):
        scores = _scores(p, block, queries, keys)
        block_values = p.v[block.batch, block.heads, keys]
        block_top = none if p.small else scores.max(axis=-1, keepdims=True)
        if total is None or top is None:
            top = block_top
            shift = none if p.small else _finite(top)
            weights = _exponentials(p, scores, shift)
            total = _row_sums(weights)
            np.matmul(weights, block_values, out=heads)
            continue
        if not p.small:
            before, top = top, np.maximum(top, block_top)
            shift = _finite(top)
            correction = np.exp(before - shift)
            total *= correction
            heads *= correction
        weights = _exponentials(p, scores, shift)
        total += _row_sums(weights)
        heads += np.matmul(weights, block_values)
    if total is None or top is None:  # no keys at all
        heads[...] = 0
        return np.ones((*heads.shape[:-1], 2), np.float32)
    heads /= np.where(total == 0, np.float32(1), total)
    # Kept apart: their sum max + log Σ loses the logarithm where all of a row is masked and the maximum is −3e38.
    return np.concatenate((shift, total), axis=-1)


@quiet
def _attend(p: _Problem) -> tuple[_Problem, np.ndarray, np.ndarray]:
    """The problem, the output [B, Hkv, R, Tq, Dv], and each row's maximum and sum of exponentials [B, Hkv, R, Tq, 2].

    Where something came out that is no number, or a row's scores all fell below float32, it is done once more on
    operands that float32 can multiply: only then do they have to be looked at.
    """
    heads, sums = _attend_once(p)
    if p.small and (sums[..., 1] == 0).any():  # a row that sees nothing
        p = p._replace(small=False)
        heads, sums = _attend_once(p)
    empty: np.ndarray = sums[..., 1] == 0
    if empty.any() or not np.isfinite(heads.sum() + sums[..., 1].sum()):
        p = _in_range(_only_seen(p._replace(small=False)))
        heads, sums = _attend_once(p)
        empty = sums[..., 1] == 0
    np.copyto(sums[..., 1], 1, where=empty)
    return p, heads, sums


def _only_seen(p: _Problem) -> _Problem:
    """Keys and values that no query may see, 0: a weight of 0 times NaN is NaN."""
    if p.mask is None or p.mask.dtype != np.bool_:
        return p
    seen = np.any(p.mask, axis=(2, 3), keepdims=True)[:, :, :, 0].swapaxes(-1, -2)  # [B, Hkv, Tk, 1]
    return p._replace(k=np.where(seen, p.k, np.float32(0)), v=np.where(seen, p.v, np.float32(0)))


def _in_range(p: _Problem) -> _Problem:
    """Queries made smaller in rows whose scores float32 could not hold; their softmax is one-hot anyway."""
    largest = np.abs(p.k).max(axis=2).astype(np.float64)  # [B, Hkv, D]
    bound = np.einsum("bhrtd,bhd->bhrt", np.abs(p.q).astype(np.float64), largest) * max(1.0, abs(float(p.scale)))
    smaller = np.minimum(1.0, 2.0**126 / np.maximum(bound, 1.0))[..., None]
    return p._replace(q=(p.q * smaller).astype(np.float32), beyond=smaller < 1)


def _attend_once(p: _Problem) -> tuple[np.ndarray, np.ndarray]:
    shape = p.q.shape[:-1]
    heads = np.empty((*shape, p.v.shape[-1]), np.float32)
    sums = np.empty((*shape, 2), np.float32)

    def attend(block: _Block) -> None:
        rows = block.rows(heads)  # a view, unless several heads share a key head and the block holds not all queries
        block_sums = _attend_block(p, block, rows)
        part = heads[block.batch, block.heads, :, block.queries]
        if not np.may_share_memory(rows, heads):
            part[...] = rows.reshape(part.shape)
        sums[block.batch, block.heads, :, block.queries] = block_sums.reshape(*part.shape[:-1], 2)

    each_product(attend, list(_blocks(p)))
    return heads, sums


@quiet
def _gradients(
    p: _Problem, heads: np.ndarray, sums: np.ndarray, g: np.ndarray, mask_wanted: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Gradients of q, k, v and an added mask, block by block (Dao et al. 2022, algorithm 4)."""
    dq, dk, dv = np.zeros(p.q.shape, np.float32), np.zeros(p.k.shape, np.float32), np.zeros(p.v.shape, np.float32)
    dmask = np.zeros(p.mask.shape, np.float32) if mask_wanted and p.mask is not None else None
    # Dividing g by the sums once divides every weight below.
    divided = g / sums[..., 1:]
    projections = np.einsum("...d,...d->...", divided, heads)[..., None]  # Σ of a row's weights · their gradients

    def pull(block: _Block) -> None:
        queries = _scaled_queries(p, block)
        g_rows, projection, top = block.rows(divided), block.rows(projections), block.rows(sums)[..., :1]
        blind: np.ndarray = top == _LOWEST  # rows whose scores are all masked pass nothing on to them
        if p.beyond is not None:
            blind |= block.rows(p.beyond)
        dq_rows = np.zeros(queries.shape, np.float32)
        for keys in _key_blocks(p, block):
            at = (block.batch, block.heads, keys)
            exponentials = _exponentials(p, _scores(p, block, queries, keys), top)
            dv[at] += np.matmul(exponentials.swapaxes(-1, -2), g_rows)
            dscores = _scratch.take("dscores", exponentials.shape)
            np.matmul(g_rows, p.v[at].swapaxes(-1, -2), out=dscores)
            dscores -= projection
            dscores *= exponentials
            if blind.any():
                np.copyto(dscores, 0, where=blind)
            dq_rows += np.matmul(dscores, p.k[at])
            dk[at] += np.matmul(dscores.swapaxes(-1, -2), queries)
            if dmask is not None:
                _add_summed(dmask[_mask_part(p, block, keys)], dscores.reshape(*_split_rows(p, dscores)))
        dq_rows *= p.scale
        part = dq[block.batch, block.heads, :, block.queries]
        part[...] = dq_rows.reshape(part.shape)

    def pull_in_turn(blocks: list[_Block]) -> None:
        for block in blocks:
            pull(block)

    if dmask is not None:  # which all heads may share
        pull_in_turn(list(_blocks(p)))
    else:  # the blocks of the same heads add to the same keys
        groups = groupby(_blocks(p), key=lambda block: (block.batch.start, block.heads.start))
        each_product(pull_in_turn, [list(blocks) for _, blocks in groups])
    return dq, dk, dv, dmask


def _split_rows(p: _Problem, scores: np.ndarray) -> tuple[int, ...]:
    return (*scores.shape[:2], p.q.shape[2], -1, scores.shape[-1])


def _add_summed(total: np.ndarray, values: np.ndarray) -> None:
    """``total += values``, summed over the axes along which ``total`` was broadcast."""
    axes = tuple(at for at, size in enumerate(total.shape) if size == 1 and values.shape[at] != 1)
    total += values.sum(axes, keepdims=True) if axes else values


def _output(heads: np.ndarray, q: Any, k: Any, v: Any) -> array:
    B, Hkv, R, Tq, Dv = heads.shape
    dtype = np.result_type(q.dtype, k.dtype, v.dtype)  # float16 queries of float32 keys give float32, as on MLX
    return wrap(heads.reshape(B, Hkv * R, Tq, Dv).astype(dtype, copy=False))


def _attention_array(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> array:
    return _output(_attend(_problem(q, k, v, mask, causal, scale))[1], q, k, v)


def _attention_rule(needed: tuple[int, ...], q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> Any:
    plain("attention", q, k, v, mask)
    p = _problem(q, k, v, mask, causal, scale)
    if p.mask is not None and not np.isfinite(p.k.sum() + p.v.sum()):  # a gradient of 0 times NaN is NaN too
        p = _only_seen(p)
    p, heads, sums = _attend(p)

    def pullback(g: Any) -> list[array]:
        plain("attention", g)
        # A broadcast gradient (strides of 0) would send every product round BLAS.
        grouped = np.ascontiguousarray(g._data, np.float32).reshape(heads.shape)
        found = _gradients(p, heads, sums, grouped, mask_wanted=3 in needed)
        operands = (q, k, v, mask)
        return [_like(found[position], operands[position]) for position in needed]

    return _output(heads, q, k, v), pullback


def _like(gradient: np.ndarray | None, operand: Any) -> array:
    assert gradient is not None
    return wrap(gradient.reshape(operand.shape).astype(operand.dtype, copy=False))


_attention: Function = differentiable(_attention_array, _attention_rule)


def scaled_dot_product_attention(q: Any, k: Any, v: Any, *, scale: float, mask: Any = None) -> Any:
    """softmax(scale · q kᵀ, masked) v, for q [B, H, Tq, D], k [B, Hkv, Tk, D], v [B, Hkv, Tk, Dv]: [B, H, Tq, Dv].

    Hkv divides H, and keys are not copied for the heads that share them. ``mask``: ``None``, ``"causal"`` (the last
    query sees the last key), booleans (True may be attended to), or numbers that are added to the scores; an array
    broadcasts to [B, H, Tq, Tk]. A query that may see nothing gets something finite and meaningless.
    """
    causal = isinstance(mask, str)
    if causal and mask != "causal":
        raise ValueError(f"scaled_dot_product_attention: mask {mask!r} is unknown; the only named one is 'causal'.")
    array_mask = None if causal or mask is None else operand(mask)
    if array_mask is not None and array_mask.dtype == np.bool_:
        array_mask = unrecorded(array_mask)
    return _attention(operand(q), operand(k), operand(v), array_mask, causal, scale)
