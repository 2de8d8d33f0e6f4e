"""The ``>>>`` examples of docstrings are true on the backend that runs, and every public class and function has one.

Public is what has a public name in a module of a public name, wherever it is in the library, not only what
``import mlxformer`` shows. The two sides of ``mlxformer.backend`` are MLX's own interface, and documented there.
"""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers

PACKAGE = Path(mf.__file__).parent
# What an example may use without saying where it comes from, besides the names of its own module.
NAMES = {"mf": mf, "mx": mx, "nn": nn, "np": np, "optimizers": optimizers}
# NumPy's arrays and modules are read by the examples of ``mlxformer.backend``: theirs would import the other side.
ONE_SIDE = {"numpy", "on_numpy.py", "on_mlx.py"}

# Examples that are shown and not run: of what fetches texts to train on, and of what measures a card for minutes.
FETCHES = {
    "masked.corpus.chinese",
    "masked.corpus.english",
    "masked.corpus.idiom_ids",
    "masked.samples.write",
    "masked.sources.chinese_documents",
    "masked.sources.simplifier",
    "order.recipe.poems_by_width",
    "poems.corpus.poems",
    "poems.corpus.split",
    "poems.corpus.training_ids",
    "poems.samples.write",
    "texts.main",
    "texts.write",
}
MEASURES = {
    "dates.evaluation.ablations",
    "dates.evaluation.measure",
    "masked.evaluation.measure",
    "masked.evaluation.measure_rate",
    "masked.evaluation.next_sentence",
    "masked.fine_tuning.main",
    "order.evaluation.measure",
    "poems.evaluation.measure",
    "reverse.evaluation.measure",
}


def _files() -> Iterator[tuple[str, Path]]:
    """The modules of the library, without the two sides of the backend."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if not (parts[1] == "backend" and ONE_SIDE & set(path.relative_to(PACKAGE).parts)):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _modules() -> list[str]:
    return [name for name, path in _files() if ">>>" in path.read_text(encoding="utf-8")]


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


Definition = ast.ClassDef | ast.FunctionDef


def _public(tree: ast.Module) -> list[Definition]:
    """By name: of overloads and the function below them, the function."""
    return list(
        {node.name: node for node in tree.body if isinstance(node, Definition) and node.name[0] != "_"}.values()
    )


def _examples_of(node: Definition) -> list[doctest.Example]:
    """Those of its own docstring and, of a class, of its methods'."""
    methods = (
        [part for part in node.body if isinstance(part, ast.FunctionDef)] if isinstance(node, ast.ClassDef) else []
    )
    texts = [ast.get_docstring(part) or "" for part in (node, *methods)]
    return [example for text in texts for example in doctest.DocTestParser().get_examples(text)]


@pytest.mark.once
def test_every_public_class_and_function_has_an_example() -> None:
    lacking, skipped = [], set()
    for module, path in _files():
        if any(part.startswith("_") for part in module.split(".")):
            continue
        for node in _public(ast.parse(path.read_text(encoding="utf-8"))):
            name, examples = f"{module}.{node.name}", _examples_of(node)
            if not examples:
                lacking.append(name)
            elif any(example.options.get(doctest.SKIP) for example in examples):
                skipped.add(name.removeprefix("mlxformer.pretrained."))
    assert lacking == [], "write an example (>>>) in the docstring of each"
    assert skipped == FETCHES | MEASURES


@pytest.mark.once
def test_every_public_name_has_a_docstring() -> None:
    """Of its own: an inherited one, or that of a dataclass, says nothing of it."""
    for name in mf.__all__:
        thing = getattr(mf, name)
        text = vars(thing).get("__doc__", thing.__doc__)
        assert text and not text.startswith(f"{name}("), name
