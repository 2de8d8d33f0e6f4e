"""The ``>>>`` examples in the docstrings are true on the backend that runs, and every public name has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers

PACKAGE = Path(mf.__file__).parent
# What an example may use without saying where it comes from, besides the names of its own module.
NAMES = {"mf": mf, "mx": mx, "nn": nn, "np": np, "optimizers": optimizers}
# NumPy's arrays and modules are read by the examples of ``mlxformer.backend``: theirs would import the other side.
ONE_SIDE = {"numpy", "on_numpy.py", "on_mlx.py"}

# The public names that have no example yet. It may only become shorter, and an empty one is the aim.
WITHOUT_EXAMPLE: set[str] = set()


def _modules() -> list[str]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[1] == "backend" and ONE_SIDE & set(path.relative_to(PACKAGE).parts):
            continue
        if ">>>" in path.read_text(encoding="utf-8"):
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def _examples(module: ModuleType) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder().find(module, globs=vars(module) | NAMES) if test.examples]


def _report(test: doctest.DocTest) -> str:
    """What went otherwise than the example says; empty if nothing did."""
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("name", _modules())
def test_examples_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of their own, with the same random numbers each time."""
    tests = _examples(importlib.import_module(name))
    assert tests, f"{name} has >>> somewhere that is no example of a docstring"
    monkeypatch.chdir(tmp_path)
    for test in tests:
        mx.random.seed(0)
        assert _report(test) == ""


def test_a_wrong_example_is_found() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> mx.ones((2,)).shape\n(3,)\n", dict(NAMES), "wrong", None, 0)
    assert "Expected:\n    (3,)\nGot:\n    (2,)" in _report(wrong)


def _has_example(thing: Any) -> bool:
    """In its own docstring, or, of a class, in that of one of its own methods."""
    methods = [getattr(part, "__func__", part) for part in vars(thing).values()] if inspect.isclass(thing) else []
    texts = [inspect.cleandoc(part.__doc__ or "") for part in (thing, *filter(inspect.isfunction, methods))]
    return any(">>>" in text for text in texts)


def test_every_public_name_has_a_docstring_with_an_example() -> None:
    public = {name: getattr(mf, name) for name in mf.__all__}
    assert {name for name, thing in public.items() if not vars(thing).get("__doc__", thing.__doc__)} == set()
    lacking = {name for name, thing in public.items() if not _has_example(thing)}
    assert lacking == WITHOUT_EXAMPLE, (
        f"write an example for {sorted(lacking - WITHOUT_EXAMPLE)}; "
        f"take out of WITHOUT_EXAMPLE: {sorted(WITHOUT_EXAMPLE - lacking)}"
    )
