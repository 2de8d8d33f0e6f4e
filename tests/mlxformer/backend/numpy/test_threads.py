"""Work shared out to threads: the same numbers with any number of them, and nothing of it outlasts an error."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy import blas, gemm, threads
from mlxformer.backend.numpy import core as mx
from mlxformer.backend.numpy.error_function import gelu
from mlxformer.backend.numpy.products import linear
from tests.mlxformer.backend.numpy.inputs import normal

BIG = (9, 3, 41, 128)  # some 142,000 numbers: four blocks, the last one of rows not full


def _with(monkeypatch: pytest.MonkeyPatch, count: int, work: Callable[[], Any]) -> np.ndarray:
    monkeypatch.setenv(threads.VARIABLE, str(count))
    return np.asarray(work())


def _attention(mask: Any) -> Any:
    q, k, v = (mx.array(normal(2, 6, 300, 16, seed=seed)) for seed in range(3))
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=0.25, mask=mask)


def _attention_gradients(mask: Any) -> Any:
    q, k, v = (mx.array(normal(2, 6, 600, 16, seed=seed)) for seed in range(3))

    def loss(q: Any, k: Any, v: Any) -> Any:
        return mx.sum(mx.square(mx.fast.scaled_dot_product_attention(q, k, v, scale=0.25, mask=mask)))

    return np.stack([np.asarray(gradient) for gradient in mx.grad(loss, argnums=(0, 1, 2))(q, k, v)])


@pytest.mark.parametrize(
    "work",
    [
        lambda: gelu(mx.array(normal(*BIG))),
        lambda: mx.erf(mx.array(normal(*BIG))),
        lambda: mx.softmax(mx.array(normal(*BIG)), axis=-1),
        lambda: mx.fast.layer_norm(mx.array(normal(*BIG)), mx.array(normal(128)), mx.array(normal(128)), 1e-5),
        lambda: mx.fast.rms_norm(mx.array(normal(*BIG)), None, 1e-5),
        lambda: linear(mx.array(normal(16, 512)), mx.array(normal(2048, 512))),
        lambda: linear(mx.array(normal(130, 200)), mx.array(normal(1001, 200))),
        lambda: mx.matmul(mx.array(normal(2, 701, 61)), mx.array(normal(61, 420))),
        lambda: mx.matmul(mx.array(normal(2, 9, 190, 40)), mx.array(normal(2, 9, 190, 40)).swapaxes(-1, -2)),
        lambda: _attention(None),
        lambda: _attention("causal"),
        lambda: _attention_gradients(None),
        lambda: _attention_gradients("causal"),
    ],
    ids=[
        "gelu",
        "erf",
        "softmax",
        "layer norm",
        "RMS norm",
        "few rows",
        "columns of a product",
        "rows and columns of a product",
        "products of heads",
        "attention",
        "causal attention",
        "its gradients",
        "causal gradients",
    ],
)
def test_any_number_of_threads_gives_the_same(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Any]) -> None:
    alone = _with(monkeypatch, 1, work)
    for count in (2, 5):
        np.testing.assert_array_equal(_with(monkeypatch, count, work), alone)


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        (((130, 200), (200, 1001)), 4),
        (((1402, 61), (61, 420)), 4),
        (((5000, 50), (50, 60)), 4),
        (((18, 190, 40), (18, 40, 190)), 6),
        (((60, 900), (900, 190)), 2),
        (((190, 900), (900, 60)), 2),
        (((130, 200), (200, 200)), 0),
    ],
)
def test_a_product_in_parts_is_the_product(shapes: tuple[tuple[int, ...], tuple[int, ...]], count: int) -> None:
    x, y = (normal(*shape, seed=seed) for seed, shape in enumerate(shapes))
    parts = gemm._parts(x, y)
    assert len(parts) == (0 if blas.openblas() is None else count)
    exact = x.astype(np.float64) @ y.astype(np.float64)
    np.testing.assert_allclose(gemm.multiply_matrices(x, y), exact, rtol=0, atol=6e-6 * np.sqrt(x.shape[-1]))
    filled = np.zeros(exact.shape, int)
    for lead, rows, columns in parts:
        filled[lead][..., rows, columns] += 1
    assert (filled == (1 if parts else 0)).all()


def test_the_parts_are_shared_out_and_what_a_part_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, "2")
    meeting = threading.Barrier(2, timeout=10)  # passed only where two threads are at work at once
    seen: list[tuple[int, str]] = []

    def work(part: int) -> None:
        meeting.wait()
        threads.each(lambda inner: seen.append((inner, threading.current_thread().name)), [part, part])

    threads.each(work, [1, 2])
    assert sorted(part for part, _ in seen) == [1, 1, 2, 2]
    assert len(set(seen)) == 2  # what a thread of ours begins it does itself

    def fail(part: int) -> None:
        meeting.wait()
        if part == 3:
            raise ValueError("part 3")

    with pytest.raises(ValueError, match="part 3"):
        threads.each(fail, [3, 4])
    threads.each(work, [5, 6])  # and the threads work on


def test_the_variable_bounds_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, most in (("3", 3), ("1", 1)):
        monkeypatch.setenv(threads.VARIABLE, given)
        assert threads.limit() == most
    cores = []
    for given in ("", "0", "-2", "many"):
        monkeypatch.setenv(threads.VARIABLE, given)
        cores.append(threads.limit())
    assert len(set(cores)) == 1 and cores[0] >= 1
    monkeypatch.setenv(threads.VARIABLE, "1")
    names: set[str] = set()
    threads.each(lambda part: names.add(threading.current_thread().name), range(4))
    assert names == {threading.current_thread().name}


def test_blas_has_one_thread_while_ours_multiply_and_its_own_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = blas.openblas()
    if functions is None:
        pytest.skip("NumPy multiplies by another BLAS here")
    count, set_count = functions
    before = count()
    monkeypatch.setenv(threads.VARIABLE, "2")
    try:
        set_count(2)
        seen: list[int] = []
        blas.each_product(lambda part: seen.append(count()), range(3))
        assert seen == [1, 1, 1] and count() == 2

        def fail(part: int) -> None:
            raise ValueError

        with pytest.raises(ValueError):
            blas.each_product(fail, range(3))
        assert count() == 2
    finally:
        set_count(before)


def test_where_no_thread_can_be_started_this_one_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, "7")
    threads._pool.cache_clear()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        done: list[int] = []
        threads.each(done.append, range(9))
    threads._pool.cache_clear()
    assert done == list(range(9))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_that_is_forked_off_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, "2")
    expected = np.asarray(gelu(mx.array(normal(*BIG))))  # so that there is a pool, whose threads the child lacks
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(np.asarray(gelu(mx.array(normal(*BIG)))), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(blas.openblas() is None or platform.machine() != "x86_64", reason="no OpenBLAS for x86")
def test_fewer_rows_are_few_where_blas_has_no_kernels_for_small_matrices() -> None:
    code = """if True:
        import numpy as np
        from mlxformer.backend.numpy.gemm import are_few
        print([are_few(np.ones((rows, 768), np.float32), np.ones((768, 768), np.float32)) for rows in (16, 64, 65)])
    """
    environment = {**os.environ, "MLXFORMER_BACKEND": "numpy", "OPENBLAS_CORETYPE": "Haswell"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "[True, False, False]\n"


def test_rows_are_few_by_the_kernels_of_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = np.ones((768, 768), np.float32)
    for small, few in ((True, [True, True, False]), (False, [True, False, False])):
        monkeypatch.setattr(gemm, "has_small_kernels", lambda small=small: small)
        assert [gemm.are_few(np.ones((rows, 768), np.float32), weight) for rows in (16, 64, 65)] == few
