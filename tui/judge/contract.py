"""What a task of the judge is: functions to write, cases to call them on, and the mistakes known by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from questions.bilingual import Bilingual

Functions = Mapping[str, Callable[..., Any]]
OutputKind = Literal["array", "number", "data", "opaque"]


@dataclass(frozen=True)
class Output:
    """One thing that a function returns.

    kind: ``array`` of the framework in the input's dtype; ``number``, an array of no axes or a plain number;
    ``data``, plain Python (lists, pairs, texts); ``opaque``, handed back to a later call and not looked into.
    dtype: where it is not the input's; ``integer`` is any whole number's.
    """

    name: str
    axes: tuple[str, ...] = ()  # the names of the last axes; there may be more in front
    kind: OutputKind = "array"
    dtype: str | None = None


@dataclass(frozen=True)
class Function:
    """A function to write: its parameters as they are called, and what it returns (more than one: a tuple)."""

    name: str
    parameters: tuple[str, ...]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Earlier:
    """An argument that an earlier call of the same case returned."""

    call: int
    output: int


@dataclass(frozen=True)
class Call:
    """A function and what it is called with; ``options`` go by keyword. Arrays are NumPy's here."""

    function: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """Calls in a row, and what they show. ``dtype`` is that of the floating-point arrays, and so of the results."""

    name: str
    title: Bilingual
    calls: tuple[Call, ...]
    dtype: Literal["float32", "float16"] = "float32"


@dataclass(frozen=True)
class Mistake:
    """A real mistake as functions that run, and where it is talked about: a question and an experiment.

    functions: those that differ from the right ones; made anew for each run, since some keep something between calls.
    """

    name: str
    title: Bilingual
    functions: Functions
    question: str | None = None
    experiment: str | None = None


@dataclass(frozen=True)
class Task:
    """A component to write.

    component: mlxformer's own, of NumPy arrays; exact: the plain formula in NumPy, in the dtype that it is given, for
    float64 where float16 is judged. Both name stages on the way (``tui.judge.stages``).
    """

    name: str
    functions: tuple[Function, ...]
    component: Functions
    exact: Functions
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]

    def function(self, name: str) -> Function:
        return next(each for each in self.functions if each.name == name)

    def mistake(self, name: str) -> Mistake:
        return next(each for each in self.mistakes if each.name == name)
