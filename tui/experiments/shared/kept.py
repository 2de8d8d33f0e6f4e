"""What a knob does not touch is not computed again: results remembered by the arguments that they depend on.

What takes a training or hundreds of passes is measured beforehand for the first seeds, by the very function that would
measure it now (``python -m tui.experiments.beforehand``), and lies beside the experiment in ``beforehand.json``. A run
that took something from there says so (``Result.beforehand``), and one that measures afresh takes nothing.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from mlxformer.tracing import is_tracing
from tui.experiments import afresh

FILE = "beforehand.json"
P = ParamSpec("P")
R = TypeVar("R")


class Kept(Generic[P, R]):
    """A function whose last ``size`` results are remembered; see ``kept``."""

    def __init__(
        self, function: Callable[P, R], size: int, apart: bool, beforehand: Iterable[tuple[Any, ...]] | None
    ) -> None:
        self.function, self.size, self.apart = function, size, apart
        self.beforehand = [] if beforehand is None else list(beforehand)
        self.file = Path(inspect.getfile(function)).parent / FILE
        self._known: OrderedDict[tuple[Any, ...], R] = OrderedDict()
        self._from_file: set[tuple[Any, ...]] = set()
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if is_tracing() and not self.apart:
            return self.function(*args, **kwargs)
        if args not in self._known or (args in self._from_file and afresh.is_asked()):
            filed = args in self.beforehand and not afresh.is_asked()
            found = self.measured_beforehand(*args) if filed else None
            self._known[args] = self.measure(*args, **kwargs) if found is None else found
            (self._from_file.discard if found is None else self._from_file.add)(args)
        self._known.move_to_end(args)
        if args in self._from_file:
            afresh.note_taken()
        if len(self._known) > self.size:
            self._known.popitem(last=False)
        return self._known[args]

    def measure(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result, computed now and not remembered."""
        if self.apart:
            return contextvars.Context().run(self.function, *args, **kwargs)
        return self.function(*args, **kwargs)

    def measured_beforehand(self, *args: Any) -> R | None:
        """What the file has for ``args``; None where it has nothing."""
        return _read(self.file).get(self.function.__name__, {}).get(written(args))


def kept(
    size: int = 64, *, apart: bool = False, beforehand: Iterable[tuple[Any, ...]] | None = None
) -> Callable[[Callable[P, R]], Kept[P, R]]:
    """Remember the results of a function by its positional arguments; keyword arguments (``report``) change none.

    Args:
        size: how many results are remembered.
        apart: the function runs outside whatever trace is open. Otherwise it is computed anew inside a trace, which
            may record it or change tensors on their way.
        beforehand: the arguments for which the result lies in the file: plain values, as is the result.
    """
    return lambda function: Kept(function, size, apart, beforehand)


def written(args: tuple[Any, ...]) -> str:
    """The arguments as the file has them."""
    return json.dumps(args, ensure_ascii=False)


@functools.cache
def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {name: {key: _tuples(value) for key, value in known.items()} for name, known in json.loads(text).items()}


def _tuples(value: Any) -> Any:
    """JSON's lists as tuples, which nobody can change."""
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
