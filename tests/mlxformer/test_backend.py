"""The choice of a backend, each in a process of its own; and what backend.py gives besides."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention import masks
from mlxformer.backend import (
    is_array,
    is_evaluable,
    mx,
    nn,
    optimizers,
    peak_bytes,
    to_numpy,
    tree_flatten,
    tree_map,
    tree_unflatten,
)

ROOT = Path(__file__).resolve().parents[2]
# backend.py by itself, without the models that the package imports: a stand-in for MLX has none of what they need.
ALONE = """
import sys, types
package = types.ModuleType("mlxformer")
package.__path__ = [{path!r}]
sys.modules["mlxformer"] = package
"""
SHOW = """
from mlxformer import backend
d = backend.describe()
print(d.name, d.device, d.reason, backend.mx.__name__)
print(d)
"""

# Packages that stand in for MLX: one that cannot load its library, and one with a GPU that works or does not.
NO_LIBRARY = "raise ImportError('libmlx.so: cannot open shared object file: No such file or directory')"
WITH_GPU = """
class metal:
    @staticmethod
    def is_available(): return {metal}
class cuda:
    @staticmethod
    def is_available(): return {cuda}
class Sum:
    def item(self):
        {compute}
__version__, float32, gpu, cpu = "9.9", "float32", "gpu", "cpu"
def ones(shape, dtype): return None
def sum(x, stream): return Sum()
def device_info(device): return {{"device_name": "Test GPU"}}
def set_default_device(device): print("default device", device)
"""


def _run(code: str, choice: str | None, *, stand_in: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MLXFORMER_BACKEND"}
    if choice is not None:
        environment["MLXFORMER_BACKEND"] = choice
    paths = [str(path) for path in (stand_in, ROOT) if path is not None]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    code = ALONE.format(path=str(ROOT / "mlxformer")) + code
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)


def _stand_in(folder: Path, core: str) -> Path:
    package = folder / "mlx"
    package.mkdir()
    for name in ("__init__", "nn", "optimizers"):
        (package / f"{name}.py").write_text("")
    (package / "utils.py").write_text("tree_flatten = tree_map = tree_unflatten = None\n")
    (package / "core.py").write_text(core)
    return folder


def _gpu(folder: Path, metal: bool = False, cuda: bool = False, compute: str = "return 64.0") -> Path:
    return _stand_in(folder, WITH_GPU.format(metal=metal, cuda=cuda, compute=compute))


def test_numpy_when_asked() -> None:
    done = _run(SHOW, "numpy")
    assert done.stdout.startswith("numpy cpu asked mlxformer.backend.numpy.core\nNumPy "), done.stderr
    assert "(MLXFORMER_BACKEND=numpy)" in done.stdout


def test_numpy_imports_neither_mlx_nor_scipy() -> None:
    code = "import mlxformer.backend; print(sorted({'mlx', 'mlx.core', 'scipy'} & set(sys.modules)))"
    assert _run(code, "numpy").stdout == "[]\n"


def test_the_whole_library_imports_on_numpy_without_mlx() -> None:
    code = "del sys.modules['mlxformer']; import mlxformer; print(sorted({'mlx.core', 'scipy'} & set(sys.modules)))"
    done = _run(code, "numpy")
    assert done.stdout == "[]\n", done.stderr


def test_mlx_when_asked() -> None:
    pytest.importorskip("mlx.core", reason="asks for MLX itself")
    done = _run(SHOW, "mlx")
    assert done.stdout.startswith("mlx ") and " asked mlx.core\nMLX " in done.stdout, done.stderr


@pytest.mark.parametrize("choice", [None, "auto", "AUTO ", ""])
def test_auto_is_numpy_where_mlx_has_no_gpu(choice: str | None, tmp_path: Path) -> None:
    done = _run(SHOW, choice, stand_in=_gpu(tmp_path))
    assert done.stdout.startswith("numpy cpu no-gpu mlxformer.backend.numpy.core"), done.stderr
    assert "(MLX has no usable GPU here)" in done.stdout


@pytest.mark.parametrize("kind", ["metal", "cuda"])
def test_auto_is_mlx_where_it_has_a_gpu(kind: str, tmp_path: Path) -> None:
    done = _run(SHOW, None, stand_in=_gpu(tmp_path, **{kind: True}))
    assert done.stdout == f"mlx {kind} gpu mlx.core\nMLX 9.9 on Test GPU (MLX has a GPU here)\n", done.stderr


@pytest.mark.parametrize("compute", ["raise RuntimeError('no device')", "return 63.0"])
def test_a_gpu_that_does_not_work_is_no_gpu(compute: str, tmp_path: Path) -> None:
    stand_in = _gpu(tmp_path, metal=True, compute=compute)
    done = _run(SHOW + "print(d.detail)", None, stand_in=stand_in)
    assert done.stdout.startswith("numpy cpu no-gpu"), done.stderr
    assert "RuntimeError" in done.stdout.splitlines()[-1]
    asked = _run(SHOW, "mlx", stand_in=stand_in)
    assert asked.stdout.startswith("default device cpu\nmlx cpu asked"), asked.stderr


def test_auto_is_numpy_where_mlx_cannot_load(tmp_path: Path) -> None:
    done = _run(SHOW + "print(d.detail)", "auto", stand_in=_stand_in(tmp_path, NO_LIBRARY))
    assert done.stdout.startswith("numpy cpu no-mlx"), done.stderr
    assert "libmlx.so" in done.stdout and "(MLX cannot be imported)" in done.stdout


def test_mlx_that_cannot_load_is_an_error_with_the_cure(tmp_path: Path) -> None:
    catch = "from mlxformer.errors import BackendError\ntry:\n    import mlxformer.backend\n"
    catch += "except BackendError as e:\n    print(e.code, '|', e.fields['detail'], '|', e)"
    done = _run(catch, "mlx", stand_in=_stand_in(tmp_path, NO_LIBRARY))
    code, detail, message = done.stdout.split(" | ")
    assert code == "backend-mlx-missing" and "libmlx.so" in detail
    assert all(
        part in message for part in ("MLXFORMER_BACKEND=mlx", 'pip install "mlx[cpu]"', "unset MLXFORMER_BACKEND")
    )


def test_an_unknown_name_is_an_error_with_the_choices() -> None:
    done = _run("import mlxformer.backend", "torch")
    assert done.returncode == 1 and "BackendError" in done.stderr
    assert "MLXFORMER_BACKEND='torch' is not a backend. Set it to one of auto, mlx, numpy" in done.stderr


INSIDE_COMPILE = """
from mlxformer.backend import is_evaluable, mx, to_numpy
from mlxformer.errors import TraceError
seen = []
def f(x):
    try:
        to_numpy(x)
    except TraceError as error:
        seen.append((is_evaluable(x), error.code, "Call the function without mx.compile" in str(error)))
    return x * 2
mx.compile(f)(mx.ones((2,))); mx.vmap(f)(mx.ones((2,)))
mx.grad(lambda x: (seen.append((is_evaluable(x), to_numpy(x).tolist())), mx.sum(x))[1])(mx.ones((2,)))
print(seen, is_evaluable(mx.ones((2,))), to_numpy(mx.array([1.5]).astype(mx.bfloat16)).dtype)
"""


def test_inside_compile_there_is_nothing_to_read() -> None:
    pytest.importorskip("mlx.core", reason="mx.compile is MLX's")
    done = _run(INSIDE_COMPILE, "mlx")
    refused = "(False, 'trace-not-evaluable', True)"
    assert done.stdout == f"[{refused}, {refused}, (True, [1.0, 1.0])] True float32\n", done.stderr


# What follows runs on the backend of this process.


def test_it_says_which_it_is() -> None:
    assert backend.name == backend.describe().name and backend.name in ("mlx", "numpy")
    assert backend.name in str(backend.describe()).lower()


def test_to_numpy_is_a_copy() -> None:
    x = mx.array([[1.0, 2.0], [3.0, 4.0]])
    for given, expected in ((x, [[1, 2], [3, 4]]), (x.T, [[1, 3], [2, 4]]), (x[0], [1, 2]), (x[0, 0], 1)):
        copied = to_numpy(given)
        assert type(copied) is np.ndarray and copied.dtype == np.float32 and copied.tolist() == expected
        copied[...] = 9
    assert to_numpy(x).tolist() == [[1, 2], [3, 4]]


def test_arrays_are_known_also_while_they_are_differentiated() -> None:
    seen: list[object] = []

    def loss(x: mx.array) -> mx.array:
        y = mx.exp(x)
        seen.extend((is_array(x), is_array(y), is_evaluable(y), type(to_numpy(y)) is np.ndarray, to_numpy(y).tolist()))
        return mx.sum(y)

    mx.grad(loss)(mx.zeros((2,)))
    assert seen == [True, True, True, True, [1.0, 1.0]]
    assert is_array(mx.zeros(())) and not is_array(np.zeros(2)) and not is_array(1.0) and not is_array([mx.zeros((1,))])


def test_trees_modules_and_optimizers_come_with_it() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    flat = tree_flatten(model.parameters())
    assert [path for path, _ in flat] == ["layers.0.weight", "layers.0.bias"]
    assert tree_map(lambda x: tuple(x.shape), tree_unflatten(flat)) == {"layers": [{"weight": (3, 2), "bias": (3,)}]}
    assert isinstance(optimizers.SGD(0.1), optimizers.Optimizer)


@pytest.mark.parametrize("module", [backend, masks])
def test_only_its_own_names_are_offered(module: ModuleType) -> None:
    assert dir(module) == sorted(module.__all__) and all(hasattr(module, name) for name in dir(module))
    assert not {"Any", "Callable", "Mapping", "Sequence", "TYPE_CHECKING", "np", "annotations"} & set(dir(module))


def test_a_peak_inside_another_and_peaks_of_several_threads() -> None:
    """Each is that of its own arrays, float32: one peak and one limit of memory serve all threads."""

    def made(rows: int) -> int:
        return peak_bytes(lambda: mx.ones((rows, 1000)) + 1)

    def large_then_small() -> list[int]:
        mx.eval(mx.ones((4000, 1000)) + 1)
        return [made(500)]

    inner: list[int] = []
    outer = peak_bytes(lambda: inner.extend(large_then_small()))
    assert inner[0] / 4e6 == pytest.approx(0.75, abs=0.26)  # with or without the array of ones beside the sum
    assert outer > 16e6

    with ThreadPoolExecutor(3) as several:
        rows = [500, 4000, 1000, 2000, 500, 3000] * 5
        for wanted, peak in zip(rows, several.map(made, rows), strict=True):
            assert 0.99 * wanted * 4000 <= peak <= 1.1 * 2 * wanted * 4000, rows
    if backend.name == "mlx":
        limit = mx.set_memory_limit(1 << 30)
        mx.set_memory_limit(limit)
        assert limit > 1 << 20
