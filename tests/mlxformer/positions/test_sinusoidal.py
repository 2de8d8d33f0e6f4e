"""Sinusoidal and learned positions: the paper's numbers, Marian's layout, and the limits of a learned table."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.positions import LearnedPositions, SinusoidalPositions, sinusoidal_positions
from tests.mlxformer.comparing import assert_bit_equal, assert_close


def by_hand(length: int, dims: int, offset: int = 0) -> np.ndarray:
    table = np.zeros((length, dims))
    for row in range(length):
        for column in range(dims):
            angle = (row + offset) / 10_000 ** (2 * (column // 2) / dims)
            table[row, column] = np.cos(angle) if column % 2 else np.sin(angle)
    return table


def test_position_one_of_eight_dims_is_the_papers():
    ours = to_numpy(sinusoidal_positions(2, 8))
    np.testing.assert_array_equal(ours[0], [0, 1] * 4)
    np.testing.assert_allclose(ours[1, :4], [0.841471, 0.540302, 0.099833, 0.995004], atol=1e-6)


@pytest.mark.parametrize(("length", "dims", "offset"), [(7, 8, 0), (3, 6, 100), (5, 7, 2), (1, 1, 63), (2, 2, 64)])
def test_the_formula_printed_in_the_paper(length, dims, offset):
    ours = sinusoidal_positions(length, dims, offset=offset)
    assert ours.dtype == mx.float32
    assert_close(ours, by_hand(length, dims, offset), tolerance=1e-7)


def test_far_positions_are_as_exact_as_near_ones():
    # In float32 the angle itself would be off by up to 0.006 at position 100,000.
    assert_close(sinusoidal_positions(4, 512, offset=100_000), by_hand(4, 512, 100_000), tolerance=1e-7)


def test_halves_is_marians_layout():
    torch = pytest.importorskip("torch", reason="compares with transformers' Marian")
    marian = pytest.importorskip("transformers.models.marian.modeling_marian", reason="compares with transformers")
    for dims in (16, 10):
        theirs = marian.MarianSinusoidalPositionalEmbedding(40, dims)
        theirs.weight = torch.nn.Parameter(theirs.create_weight())
        assert_close(sinusoidal_positions(40, dims, layout="halves"), theirs.weight, tolerance=1e-7)


def test_layouts_are_permutations_of_each_other():
    interleaved, halves = (to_numpy(sinusoidal_positions(9, 12, layout=name)) for name in ("interleaved", "halves"))
    assert_bit_equal(np.concatenate([interleaved[:, 0::2], interleaved[:, 1::2]], axis=1), halves)


def test_lengths_and_dot_products_depend_on_the_distance_alone():
    rows = to_numpy(sinusoidal_positions(200, 64)).astype(np.float64)
    np.testing.assert_allclose((rows**2).sum(-1), 32, rtol=1e-6)
    products = rows @ rows.T
    for distance in (1, 7, 50):
        diagonal = np.diagonal(products, distance)
        assert np.ptp(diagonal) < 1e-5


def test_a_shift_is_one_linear_map_for_all_positions():
    # PE(pos + k) = M_k PE(pos), M_k made of rotations: the paper's reason for choosing sines (§3.5).
    rows = to_numpy(sinusoidal_positions(50, 16)).astype(np.float64)
    shift = np.linalg.lstsq(rows[:-5], rows[5:], rcond=None)[0]
    np.testing.assert_allclose(rows[:-5] @ shift, rows[5:], atol=1e-5)


def test_offset_continues_where_the_last_call_ended():
    whole = to_numpy(sinusoidal_positions(130, 10))
    for start in (0, 63, 64, 65, 128):
        assert_bit_equal(sinusoidal_positions(2, 10, offset=start), whole[start : start + 2])
    assert_bit_equal(SinusoidalPositions(10)(3, 5), whole[5:8])


def test_mlx_has_another_sinusoid():
    # Says what the docstring says: MLX's own layer is not the paper's.
    mlx_nn = pytest.importorskip("mlx.nn", reason="MLX is not installed")
    import mlx.core

    theirs = np.array(mlx_nn.SinusoidalPositionalEncoding(8)(mlx.core.array([1.0])))[0]
    np.testing.assert_allclose(theirs[:2], [0.421, 0.023], atol=5e-4)


def test_learned_positions_are_rows_of_their_table():
    positions = LearnedPositions(6, 4)
    table = to_numpy(positions.embedding.weight)
    assert_bit_equal(positions(6), table)
    assert_bit_equal(positions(2, 3), table[3:5])
    assert positions(2).dtype == mx.float32


@pytest.mark.parametrize(("length", "offset"), [(7, 0), (1, 6), (4, 3)])
def test_learned_positions_end(length, offset):
    with pytest.raises(ArgumentError, match=r"only 6 were learned \(0 to 5\)") as caught:
        LearnedPositions(6, 4)(length, offset)
    assert caught.value.code == "too-long" and caught.value.fields["max_length"] == 6


def test_bad_input_is_named():
    for make, code in [
        (lambda: sinusoidal_positions(0, 8), "not-positive"),
        (lambda: sinusoidal_positions(2, -1), "not-positive"),
        (lambda: sinusoidal_positions(2, 8, offset=-1), "offset-negative"),
        (lambda: sinusoidal_positions(2, 8, offset=True), "offset-negative"),
        (lambda: sinusoidal_positions(2, 8, layout="paired"), "unknown-choice"),
        (lambda: LearnedPositions(4, 4)(2, -1), "offset-negative"),
        (lambda: LearnedPositions(0, 4), "not-positive"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            make()
        assert caught.value.code == code
