"""Attention block by block: beside MLX, beside a float64 loop, and its memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy import attention
from tests.mlxformer.backend.numpy.comparing import Cases, assert_same, core, mlx, values
from tests.mlxformer.backend.numpy.inputs import array, normal

cases = Cases("mx")
NAME = "fast.scaled_dot_product_attention"


def _visible(*shape: int, seed: int = 0) -> np.ndarray:
    seen = np.random.default_rng(seed).random(shape) < 0.6
    seen[..., 0] = True
    return seen


def _operands(mx: Any, B: int, H: int, Hkv: int, Tq: int, Tk: int, D: int, kind: str = "float32") -> tuple[Any, ...]:
    shapes = ((B, H, Tq, D), (B, Hkv, Tk, D), (B, Hkv, Tk, D))
    return tuple(array(mx, normal(*shape, seed=seed), kind) for seed, shape in enumerate(shapes))


def _attend(mx: Any, sizes: tuple[int, ...], mask: Any = None, kind: str = "float32") -> Any:
    given = mx.array(mask) if isinstance(mask, np.ndarray) else mask
    return mx.fast.scaled_dot_product_attention(*_operands(mx, *sizes, kind), scale=sizes[-1] ** -0.5, mask=given)


def _attend_mixed(mx: Any, half: int) -> Any:
    q, k, v = (x.astype(mx.float16) if at == half else x for at, x in enumerate(_operands(mx, 2, 4, 2, 3, 5, 8)))
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=0.5)


SIZES = [(1, 1, 1, 1, 1, 4), (2, 4, 4, 3, 5, 8), (2, 4, 2, 3, 5, 8), (2, 6, 1, 7, 7, 16), (1, 12, 12, 40, 40, 64)]
for sizes in SIZES:
    B, H, _, Tq, Tk, _ = sizes
    masks: list[Any] = [None, _visible(Tq, Tk), _visible(B, 1, 1, Tk), _visible(B, H, Tq, Tk), _visible(1, H, 1, Tk)]
    masks += [normal(Tq, Tk), normal(1, H, Tq, Tk)]
    masks += ["causal"] if Tq <= Tk else []
    for mask in masks:
        cases.add(NAME, lambda mx, sizes=sizes, mask=mask: _attend(mx, sizes, mask), tolerance=5e-6)
cases.add(NAME, lambda mx: _attend(mx, (2, 4, 2, 3, 5, 8), None, "float16"), tolerance=2e-3)
for half in range(3):  # one operand narrower than the others: the result is as wide as the widest
    cases.add(NAME, lambda mx, half=half: _attend_mixed(mx, half), tolerance=2e-3)
cases.add(NAME, lambda mx: _attend(mx, (1, 2, 2, 6, 3, 8), "causal"), tolerance=5e-6)


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


@pytest.fixture(
    params=[(24, 5, 64, 4), (7, 3, 1, 2), (1 << 18, 512, 64, 128), (1 << 18, 512, 1, 128)],
    ids=["blocks-shared-out", "small-blocks-without-maxima", "whole", "whole-without-maxima"],
)
def block_sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few scores and keys, so that every boundary is crossed; and none. With maxima taken off, and not."""
    for name, value in zip(("BLOCK_SCORES", "BLOCK_KEYS", "FEWEST", "CAUSAL_QUERIES"), request.param, strict=True):
        monkeypatch.setattr(attention, name, value)


@pytest.mark.usefixtures("block_sizes")
@pytest.mark.parametrize("sizes", [(2, 4, 2, 19, 23, 8), (1, 3, 3, 40, 40, 4), (3, 2, 1, 5, 17, 4), (1, 2, 2, 9, 4, 4)])
@pytest.mark.parametrize("kind", ["none", "causal", "boolean", "padding", "additive", "no-key"])
def test_blocks_change_nothing(sizes: tuple[int, ...], kind: str) -> None:
    """Values and all gradients, against the explicit recipe differentiated by MLX."""
    B, H, Hkv, Tq, Tk, D = sizes
    masks = {
        "none": None,
        "causal": np.tri(Tq, Tk, Tk - Tq, dtype=bool),
        "boolean": _visible(B, H, Tq, Tk),
        "padding": _visible(B, 1, 1, Tk),
        "additive": normal(1, H, Tq, Tk, seed=5),
        "no-key": _visible(B, 1, Tq, Tk) & (np.arange(Tq)[:, None] != 2),
    }
    mask = masks[kind]
    weights = normal(B, H, Tq, D, seed=7)

    def explicit(q: Any, k: Any, v: Any, bias: Any) -> Any:
        keys, heads = (mlx.repeat(x, H // Hkv, 1) for x in (k, v))
        scores = q @ keys.swapaxes(-1, -2) * D**-0.5 + bias
        if mask is not None and mask.dtype == bool:
            scores = mlx.where(mlx.array(mask), scores, mlx.finfo(mlx.float32).min)
        return (mlx.softmax(scores, axis=-1) @ heads * mlx.array(weights)).sum()

    def ours(q: Any, k: Any, v: Any, bias: Any) -> Any:
        given: Any = bias if kind == "additive" else None if mask is None else core.array(mask)
        given = "causal" if kind == "causal" else given
        y = core.fast.scaled_dot_product_attention(q, k, v, scale=D**-0.5, mask=given)
        return core.sum(y * core.array(weights))

    bias = mask if kind == "additive" else np.zeros((1, 1, 1, 1), np.float32)
    numbers = (0, 1, 2, 3) if kind == "additive" else (0, 1, 2)
    mine = core.value_and_grad(ours, numbers)(*_operands(core, *sizes), core.array(bias))
    theirs = mlx.value_and_grad(explicit, numbers)(*_operands(mlx, *sizes), mlx.array(bias))
    assert_same(mine, theirs, tolerance=3e-5)


def test_beside_a_float64_loop() -> None:
    """A query at a time, by the formula."""
    q, k, v = (values(x).astype(np.float64) for x in _operands(core, 1, 2, 1, 5, 7, 4))
    expected = np.zeros(q.shape)
    for head in range(2):
        for t in range(5):
            weights = np.exp([0.5 * float(q[0, head, t] @ k[0, 0, s]) for s in range(7)])
            expected[0, head, t] = sum(w * v[0, 0, s] for s, w in enumerate(weights / weights.sum()))
    ours = core.fast.scaled_dot_product_attention(*_operands(core, 1, 2, 1, 5, 7, 4), scale=0.5)
    np.testing.assert_allclose(values(ours), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("block_sizes")
def test_large_scores_and_minus_infinity_stay_finite() -> None:
    q, k, v = _operands(core, 1, 2, 2, 6, 11, 4)
    bias = np.zeros((1, 1, 6, 11), np.float32)
    bias[..., :6] = -np.inf  # a whole first block of nothing
    bias[0, 0, 3] = -np.inf  # and a whole row
    ours = core.fast.scaled_dot_product_attention(q * 1e4, k, v, scale=1.0, mask=core.array(bias))
    assert np.isfinite(values(ours)).all()
    np.testing.assert_array_equal(values(ours)[0, :, 3], 0)
    gradients = core.grad(
        lambda q, k, v: core.sum(core.fast.scaled_dot_product_attention(q, k, v, scale=1.0, mask=core.array(bias))),
        argnums=(0, 1, 2),
    )(q, k, v)
    assert all(np.isfinite(values(g)).all() for g in gradients)


@pytest.mark.parametrize("size", [1, 30, 3000])
def test_scores_of_any_size_beside_float64(size: float) -> None:
    """Small ones, whose maxima are not taken off, and those that are too large for that; a row that sees nothing."""
    q, k, v = (normal(1, 2, 70, 8, seed=seed) for seed in range(3))
    seen = np.tri(70, dtype=bool)
    seen[3] = False
    assert attention._are_small(size * q[:, :, None], k, 8**-0.5) == (size == 1)
    attended = core.fast.scaled_dot_product_attention(
        core.array(size * q), core.array(k), core.array(v), scale=8**-0.5, mask=core.array(seen)
    )
    scores = np.where(seen, (size * q).astype(np.float64) @ k.swapaxes(-1, -2) * 8**-0.5, -np.inf)
    scores[:, :, 3] = 0
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    expected = weights / weights.sum(-1, keepdims=True) @ v
    assert np.abs(np.delete(values(attended) - expected, 3, axis=2)).max() < 1e-6 * max(size, 10)
    assert np.isfinite(values(attended)).all()


@pytest.mark.usefixtures("block_sizes")
def test_a_masked_key_may_hold_anything_finite_or_not() -> None:
    q, k, v = _operands(core, 1, 1, 1, 3, 9, 4)
    seen = np.arange(9) < 6
    spoiled = core.where(core.array(seen[:, None]), k, float("nan"))
    clean = core.fast.scaled_dot_product_attention(q, k[:, :, :6], v[:, :, :6], scale=1.0)
    ours = core.fast.scaled_dot_product_attention(q, spoiled, v, scale=1.0, mask=core.array(seen))
    np.testing.assert_allclose(values(ours), values(clean), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("Tq", "Tk"), [(0, 3), (3, 0), (0, 0)])
def test_empty(Tq: int, Tk: int) -> None:
    q, k, v = core.ones((2, 2, Tq, 4)), core.ones((2, 2, Tk, 4)), core.ones((2, 2, Tk, 4))
    assert core.fast.scaled_dot_product_attention(q, k, v, scale=1.0).shape == (2, 2, Tq, 4)


@pytest.mark.parametrize(
    ("q", "k", "v", "mask", "message"),
    [
        ((2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4), None, "queries have rank 3"),
        ((1, 3, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4), None, "do not fit"),
        ((1, 2, 3, 4), (1, 2, 3, 5), (1, 2, 3, 5), None, "do not fit"),
        ((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 4, 4), None, "do not fit"),
        ((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4), (3, 3), "does not broadcast"),
    ],
)
def test_what_does_not_fit_is_an_error(q: Any, k: Any, v: Any, mask: Any, message: str) -> None:
    given = None if mask is None else core.ones(mask)
    with pytest.raises(ValueError, match=message):
        core.fast.scaled_dot_product_attention(core.ones(q), core.ones(k), core.ones(v), scale=1.0, mask=given)


def test_an_unknown_named_mask_is_an_error() -> None:
    x = core.ones((1, 1, 2, 4))
    with pytest.raises(ValueError, match="'full' is unknown"):
        core.fast.scaled_dot_product_attention(x, x, x, scale=1.0, mask="full")


def _peak(tokens: int, backward: bool, heads: int = 2) -> int:
    """The most bytes that attention holds at once beyond its operands, as NumPy tells tracemalloc."""
    q, k, v = (core.array(normal(1, heads, tokens, 16, seed=seed)) for seed in range(3))

    def forward(q: Any, k: Any, v: Any) -> Any:
        return core.sum(core.fast.scaled_dot_product_attention(q, k, v, scale=0.25, mask="causal"))

    run = core.grad(forward, argnums=(0, 1, 2)) if backward else forward
    attention._scratch.blocks.clear()  # what an earlier call left would not be counted
    tracemalloc.start()
    run(q, k, v)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_memory_grows_with_the_tokens_and_not_their_square(backward: bool) -> None:
    short, long = _peak(2048, backward), _peak(4096, backward)
    whole = 2 * 4096**2 * 4
    assert long <= 2.2 * short, (short, long)
    assert long < whole / 8, (long, whole)
