"""Model files keep to what both backends have; and each rule bites."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlxformer
from tests.mlxformer.source_rules import METHODS, model_files, uses_arrays, violations

PACKAGE = Path(mlxformer.__file__).parent
FILES = model_files(PACKAGE)
HEAD = "import numpy as np\nfrom mlxformer.backend import mx, nn, to_numpy\n"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_model_files_keep_the_rules(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE.parent))) == []


def test_files_were_found_and_most_use_arrays() -> None:
    import ast

    assert len(FILES) > 20
    assert sum(uses_arrays(ast.parse(path.read_text(encoding="utf-8"))) for path in FILES) > 10


BAD = {
    "unknown mx name": ("def f(x):\n    return mx.fft.fft(x)", "mx.fft.fft is not on"),
    "unknown nn name": ("layer = nn.Conv1d(1, 2, 3)", "nn.Conv1d is not on"),
    "unknown name of a submodule": (
        "def f(x):\n    return mx.fast.cross_entropy(x)",
        "mx.fast.cross_entropy is not on",
    ),
    "bfloat16": ("kind = mx.bfloat16", "mx.bfloat16 is not on"),
    "augmented": ("def f(x):\n    x += 1\n    return x", "augmented assignment to 'x'"),
    "augmented, annotated as an array": ("def f(x: mx.array):\n    x *= 2", "augmented assignment to 'x'"),
    "augmented, made by mx": ("def f():\n    x = mx.zeros((2,))\n    x -= 1", "augmented assignment to 'x'"),
    "augmented, a number and then an array": ("def f(y):\n    x = 0\n    x = y\n    x += 1", "augmented assignment"),
    "augmented attribute": ("class A:\n    def f(self, x):\n        self.x = x\n        self.x += 1", "'self.x'"),
    "item": ("def f(x):\n    x[0] = 1", "item assignment to 'x'"),
    "item of an item": ("def f(x):\n    x.weight[0][1] = 1", "item assignment to 'x.weight[0]'"),
    "augmented item": ("def f(x):\n    x[0] += 1", "augmented assignment to 'x[0]'"),
    "isinstance": ("def f(x):\n    return isinstance(x, mx.array)", "asks for the class mx.array"),
    "isinstance of several": ("def f(x):\n    return isinstance(x, (int, mx.array))", "asks for the class mx.array"),
    "isinstance of a union": ("def f(x):\n    return isinstance(x, int | mx.array)", "asks for the class mx.array"),
    "type": ("def f(x):\n    return type(x) is mx.array", "asks for the class mx.array"),
    "__class__": ("def f(x):\n    return x.__class__", "x.__class__: use"),
    "method": ("def f(x):\n    return x.sum()", "array method 'x.sum'"),
    "method of a result": ("def f(x):\n    return mx.exp(x).mean(-1)", "array method 'mx.exp(x).mean'"),
    "method of a product": ("def f(x, y):\n    return (x @ y).squeeze(0)", "squeeze"),
    "item()": ("def f(x: mx.array):\n    return x.item()", "array method 'x.item'"),
    "method by getattr": ("def f(x):\n    return getattr(x, 'sum')()", "array method 'x.sum'"),
    "class by getattr": ("def f(x):\n    return getattr(x, '__class__')", "x.__class__: use"),
    "in a comprehension": ("def f(xs):\n    return [x.max() for x in xs]", "array method 'x.max'"),
    "an array in a list": (
        "def f():\n    rows = [mx.ones((1,))]\n    rows[0] += 1",
        "to 'rows[0]'",
    ),
    "an array out of a dict": ("def f(w: dict[str, mx.array]):\n    x = w['a']\n    x += 1", "assignment to 'x'"),
    "method of one in a loop": (
        "def f(xs: list[mx.array]):\n    for x in xs:\n        x.mean()",
        "array method 'x.mean'",
    ),
    "import mlx": ("import mlx.core as core", "imports mlx.core"),
    "import from mlx": ("from mlx.nn import Linear", "imports mlx.nn"),
    "import the NumPy backend": ("from mlxformer.backend.numpy import core", "imports mlxformer.backend.numpy"),
    "import the NumPy backend by its room": ("from mlxformer.backend import numpy", "imports mlxformer.backend.numpy"),
    "import one side": ("from mlxformer.backend.on_mlx import to_numpy", "imports mlxformer.backend.on_mlx"),
    "import the NumPy backend, relatively": ("from ..backend.numpy import core", "imports backend.numpy"),
    "import in a function": (
        "def f():\n    from mlxformer.backend.numpy.arrays import wrap",
        "mlxformer.backend.numpy",
    ),
    "importlib": ("import importlib\ncore = importlib.import_module('mlxformer.backend.numpy.core')", "imports mlxf"),
    "import_module": ("from importlib import import_module\ncore = import_module('mlx.core')", "imports mlx.core"),
    "import_module of a name": (
        "import importlib\ndef f(name: str):\n    importlib.import_module(name)",
        "written out",
    ),
    "__import__": ("core = __import__('mlxformer.backend.numpy')", "imports mlxformer.backend.numpy"),
    "find_spec": ("import importlib.util\nx = importlib.util.find_spec('mlx')", "imports mlx:"),
    "find_spec, imported": ("from importlib.util import find_spec\nx = find_spec(name='mlx.core')", "imports mlx.core"),
    "find_spec renamed": ("from importlib.util import find_spec as find\nx = find('mlx')", "find_spec under"),
    "importlib as a value": (
        "import importlib\nload = importlib.import_module\nload('mlx.core')",
        "import_module under",
    ),
    "a star": ("from mlxformer.backend import *", "imports * from mlxformer.backend"),
    "sys.modules": ("import sys\ncore = sys.modules['mlx.core']", "imports mlx.core"),
    "in sys.modules": ("import sys\nx = 'mlx.core' in sys.modules", "imports mlx.core"),
    "sys.modules.get": ("import sys\nx = sys.modules.get('mlx.core')", "imports mlx.core"),
    "importlib renamed": ("from importlib import import_module as load\nload('mlx.core')", "import_module under"),
    "getattr": ("state = getattr(mx, 'fft')", "mx as a value"),
    "getattr of a submodule": ("state = getattr(mx.random, 'state')", "mx.random as a value"),
    "hasattr": ("found = hasattr(nn, 'RoPE')", "nn as a value"),
    "vars": ("found = vars(mx)['fft']", "mx as a value"),
    "__dict__": ("found = mx.__dict__['fft']", "mx.__dict__ is not on"),
    "another name": ("core = mx\ncore.fft", "mx as a value"),
    "one backend": ("from mlxformer import backend\nif backend.name == 'mlx':\n    x = 1", "asks which backend"),
    "one backend, in": ("from mlxformer import backend\nx = backend.name in ('mlx',)", "asks which backend"),
    "one backend, turned": ("from mlxformer import backend\nx = 'mlx' != backend.name", "asks which backend"),
    "one backend, imported": ("from mlxformer.backend import name as running\nx = running == 'mlx'", "asks which"),
    "one backend, in a text": ("from mlxformer import backend\nx = f'{backend.name}' == 'mlx'", "asks which backend"),
    "one backend, by match": (
        "from mlxformer import backend\nmatch backend.name:\n    case 'mlx':\n        x = 1",
        "asks",
    ),
    "one backend, looked up": ("from mlxformer import backend\nx = {'mlx': 1, 'numpy': 2}[backend.name]", "asks which"),
    "one backend, kept": ("import mlxformer as mf\nrunning = mf.backend.name", "asks which backend"),
    "one backend, asked": ("from mlxformer import backend\nx = backend.describe().name == 'mlx'", "asks which backend"),
    "one backend, described": (
        "from mlxformer.backend import describe\nx = describe()\ny = x.name == 'mlx'",
        "asks which",
    ),
    "one backend, by getattr": ("from mlxformer import backend\nx = getattr(backend, 'name')", "asks which backend"),
    "one backend, by __dict__": ("from mlxformer import backend\nx = backend.__dict__['name']", "asks which backend"),
    "one backend, by the environment": ("import os\nx = os.environ.get('MLXFORMER_BACKEND') == 'mlx'", "asks which"),
    "one backend, by its choice": (
        "from mlxformer import backend\nx = backend.choice.name",
        "imports mlxformer.backend",
    ),
    "one backend, by its module": ("from mlxformer import backend\nx = backend._running.__name__", "imports mlxformer"),
    "one backend, its module": ("from mlxformer.backend import _running\nx = _running.__name__", "imports mlxformer"),
    "the backend renamed": (
        "import mlxformer.backend as b\nx = b.name == 'mlx'",
        "mlxformer.backend under another name",
    ),
    "the backend renamed, from": (
        "from mlxformer import backend as b\nx = b.name == 'mlx'",
        "backend under another name",
    ),
    "mx renamed": ("from mlxformer.backend import mx as m\nx = m.fft", "mx under another name"),
    "describe renamed": (
        "from mlxformer.backend import describe as d\nx = d().name == 'mlx'",
        "describe under another",
    ),
    "one backend, by method": ("from mlxformer import backend\nx = backend.name.startswith('m')", "asks which backend"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_rule_bites(name: str) -> None:
    snippet, expected = BAD[name]
    found = violations(HEAD + snippet)
    assert len(found) == 1 and expected in found[0], found


GOOD = {
    "numbers": "def f(n: int):\n    total = 0\n    for i in range(n):\n        total += i\n    n -= 1",
    "containers": "def f():\n    seen = {}\n    rows = []\n    seen['a'] = mx.zeros((1,))\n    rows += [mx.ones((1,))]",
    "numpy": "def f(x):\n    found = np.zeros((2, 2))\n    found[0] += 1\n    return to_numpy(x).max(), found.sum()",
    "annotated": "def f(given: dict[str, int]):\n    given['a'] = 1\n    given['a'] += 2",
    "attribute": "class A:\n    def __init__(self):\n        self.n = 0\n    def f(self):\n        self.n += 1",
    "methods": "def f(x):\n    return x.reshape(-1).astype(mx.float32).T.shape[0]",
    "strings": "def f(name: str):\n    return name.split('.'), ','.join(name)",
    "functions": "def rows() -> list[int]:\n    return [1]\n\ndef f():\n    found = rows()\n    found[0] = 2",
    "modules": "import math\n\ndef f(n: int):\n    return math.sqrt(n) + mx.sum(mx.ones((n,)))",
    "the backend's name in a message": "from mlxformer import backend\nprint(f'{backend.name}', backend.describe())",
    "the backend's name as a field": "from mlxformer.backend import name\nerror = ValueError(backend=name)",
    "a name of another kind": "def f(name: str, step):\n    return name == 'mlx' or step.name == 'numpy'",
    "a function of the backend": "from mlxformer import backend\nx = backend.from_mapped(np.zeros(3))",
    "finfo": "def f(x):\n    return mx.finfo(x.dtype).min",
    "text": "def f(x):\n    text, run = '', []\n    text += x.decode(run)\n    text = (text + x).strip()",
    "own methods": "class A:\n    def all(self):\n        return 1\n    def f(self):\n        return self.all()",
    "asked": "def f(x):\n    y = x\n    return y.tolist() if isinstance(y, np.ndarray) else y",
    "shapes": "def f(x):\n    count = x.shape[0]\n    count += 1\n    return count",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_allowed_passes(name: str) -> None:
    assert violations(HEAD + GOOD[name]) == []


def test_a_file_without_mx_may_do_as_it_likes() -> None:
    assert violations("def f(x):\n    x[0] += 1\n    return x.sum()") == []


def test_the_forbidden_methods_are_all_that_an_array_of_mlx_has() -> None:
    mlx = pytest.importorskip("mlx.core", reason="the list of array methods is MLX's")
    from tests.mlxformer.source_rules import FORBIDDEN

    public = {name for name in dir(mlx.array) if not name.startswith("_")}
    assert public - METHODS - {"split"} <= FORBIDDEN, sorted(public - METHODS - FORBIDDEN)
