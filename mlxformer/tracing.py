"""Looking inside a running model: ``tap`` marks a tensor, ``trace`` records the marked ones.

    with mf.trace() as steps:
        bert(ids)
    steps["encoder.layers.0.self_attention.weights"].value      # [B, H, Tq, Tk], a NumPy copy

A tap returns its argument, so what is recorded is the very tensor that made the output: nothing is computed twice.
Without an open trace a tap costs one context-variable read.

The names of axes that taps use are those of ``mlxformer.axes``.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from types import TracebackType
from typing import Any, TypeVar, cast, overload

import numpy as np

from mlxformer.backend import is_array, lasting, mx, nn, numpy_view, settle
from mlxformer.backend import name as backend_name
from mlxformer.errors import TraceError
from mlxformer.origins import Origin, Same, settled
from mlxformer.validation import array_text

Method = TypeVar("Method", bound=Callable[..., Any])

_open_traces: ContextVar[tuple[Trace, ...]] = ContextVar("open_traces", default=())
_making: ContextVar[bool] = ContextVar("making_a_module", default=False)
# The modules being called, outermost first, each with its parameter path; kept only while a trace is open.
_running: ContextVar[tuple[tuple[Any, str], ...]] = ContextVar("running_modules", default=())


@dataclass(frozen=True, repr=False)
class Step:
    """One recorded tensor.

    Args:
        path: the module's parameter path and the tap's name, ``encoder.layers.0.self_attention.scores``.
        call: counts the times this path was passed, from 0 (``generate`` passes one path once for each token).
        axes: a name for each axis.
        formula: what was computed.
        kept: what ``value`` is made of: where arrays never change (NumPy) the tensor's own numbers, else a copy.
        made: how it was made of other steps and of parameters; None where no tap says so, in a trace of ``only`` some
            paths, and where a replacement put another tensor in its place. ``mf.open_cell`` opens a cell by it.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> with mf.trace() as steps:
    ...     y = mf.attention_weights(mx.zeros((1, 1, 2, 4)), mx.zeros((1, 1, 4, 4)))
    >>> steps["weights"]
    Step('weights', float32 [1, 1, 2, 4], 0.25 ± 0, 0.25 … 0.25)
    """

    path: str
    call: int
    axes: tuple[str, ...]
    formula: str
    kept: np.ndarray
    made: Origin | None = field(default=None, compare=False)

    @cached_property
    def value(self) -> np.ndarray:
        """A NumPy copy, as wide as the tensor (bfloat16, which NumPy lacks, as float32)."""
        return self.kept if self.kept.flags.writeable else np.array(self.kept)

    def __repr__(self) -> str:
        """Path, dtype and shape, mean ± standard deviation, and range, in one line and without the values."""
        call = f"call={self.call}, " if self.call else ""
        return f"Step({self.path!r}, {call}{array_text(self.kept)}{_statistics(self.kept)})"


class Trace:
    """The steps recorded between ``__enter__`` and ``__exit__``, in order; a sequence of ``Step``.

    ``mf.trace()`` makes one.

    Args:
        root: as in ``trace``.
        on_step: as in ``trace``.
        only: as in ``trace``.
        origins: as in ``trace``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> with mf.trace(only="*weights") as steps:
    ...     y = mf.Encoder(2, 8, 2, 16)(mx.ones((1, 3, 8)))
    >>> steps
    Trace(2 steps: layers.0.self_attention.weights … layers.1.self_attention.weights)
    >>> steps.paths[0], steps[0].axes
    ('layers.0.self_attention.weights', ('batch', 'head', 'query', 'key'))
    """

    def __init__(
        self,
        root: nn.Module | None = None,
        on_step: Callable[[str], None] | None = None,
        only: str | None = None,
        origins: bool | None = None,
    ) -> None:
        self._root = root
        self._on_step = on_step
        self._only = only
        self._origins = only is None if origins is None else origins
        self._passed = 0
        self._steps: list[Step] = []
        self._calls: dict[str, int] = {}
        self._replacements: list[_Replacement] = []
        self._names: dict[int, tuple[Any, dict[int, str]]] = {}
        self._walks: list[tuple[Any, list[tuple[str, Any]]]] = []  # of whole trees: the top, and all modules below it
        # The step that an array is, by its identity; the array is kept beside it, so that no other can get that.
        self._arrays: dict[int, tuple[Any, Step]] = {}
        self._tokens: tuple[Any, Any] | None = None
        self._closed = False

    def replace(self, pattern: str, change: Callable[[mx.array], mx.array]) -> None:
        """Change every tensor whose path matches a pattern on its way: ``change(x)`` flows on.

        Call it before the model runs. A pattern that matched nothing is an error when the trace closes.

        Args:
            pattern: of paths, as in ``fnmatch``.
            change: takes and returns an array of one shape and dtype, so that the model stays differentiable and
                well-formed.

        Raises:
            TraceError: where the trace is closed, or the arguments are of another kind.
        """
        if self._closed:
            raise TraceError("trace-closed", f"the trace is closed: {pattern!r} can be replaced in no run any more")
        if not isinstance(pattern, str) or not callable(change):
            message = f"replace takes a pattern and a function of an array; got {pattern!r} and {change!r}"
            raise TraceError("trace-replacement-kind", message)
        self._replacements.append(_Replacement(pattern, change))

    def all(self, path: str) -> list[Step]:
        """Every call of ``path``, in order. Raises ``TraceError`` if there is none.

        Args:
            path: of a step.
        """
        found = [step for step in self._steps if step.path == path]
        if not found:
            raise self._unknown(path)
        return found

    @property
    def paths(self) -> list[str]:
        """The recorded paths, each once, in order of their first call."""
        return list(dict.fromkeys(step.path for step in self._steps))

    @overload
    def __getitem__(self, key: str | int) -> Step: ...
    @overload
    def __getitem__(self, key: slice) -> list[Step]: ...
    def __getitem__(self, key: str | int | slice) -> Step | list[Step]:
        """The only call of a path (an error where there are several), or the step at an index."""
        if not isinstance(key, str):
            return self._steps[key]
        found = self.all(key)
        if len(found) > 1:
            message = f"{key!r} was passed {len(found)} times; take steps.all({key!r})[call], call from 0"
            raise TraceError("trace-several-calls", message, path=key, calls=len(found))
        return found[0]

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        """How many steps, and the first and the last of their paths."""
        paths = self.paths
        ends = " … ".join(dict.fromkeys([*paths[:1], *paths[-1:]]))
        number = f"{len(self)} step{'' if len(self) == 1 else 's'}"
        return f"Trace({number}{ends and ': '}{ends})"

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def __contains__(self, path: object) -> bool:
        return any(step.path == path for step in self._steps)

    def __enter__(self) -> Trace:
        if self._tokens is not None or self._closed:
            raise TraceError("trace-entered-twice", "a trace is entered once; open another with mf.trace()")
        stack = _running.get() if self._root is None else ((self._root, ""),)
        self._tokens = _open_traces.set((*_open_traces.get(), self)), _running.set(stack)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        assert self._tokens is not None
        traces, running = self._tokens
        _open_traces.reset(traces)
        _running.reset(running)
        replacements = self._replacements
        # What is kept from here on are the steps: not the model, nor what the replacements closed over.
        self._root, self._names, self._walks, self._arrays, self._replacements = None, {}, [], {}, []
        self._tokens, self._closed = None, True
        if error is not None:
            return
        if not self._passed:
            raise TraceError(
                "trace-empty",
                "the trace closed without one step. Nothing with taps ran inside it in this thread, or it ran inside "
                "a function that mx.compile had compiled earlier, which runs no Python: call the model uncompiled",
            )
        unmatched = [change.pattern for change in replacements if not change.matched]
        if unmatched:
            raise TraceError(
                "trace-nothing-replaced",
                f"no step matched {', '.join(map(repr, unmatched))} after replace was called, so nothing was replaced; "
                f"call it before the model runs. Recorded paths: {', '.join(self.paths)}",
                patterns=unmatched,
                paths=self.paths,
            )

    def _unknown(self, path: str) -> TraceError:
        if not self._steps:
            why = (
                f"only={self._only!r} matched none of {self._passed} steps"
                if self._passed
                else "nothing is recorded yet"
            )
            return TraceError("trace-unknown-path", f"no step {path!r}: {why}", path=path, nearest=[])
        near = difflib.get_close_matches(path, self.paths, 3, cutoff=0.4) or self.paths[:3]
        message = f"no step {path!r}; nearest: {', '.join(near)}. All {len(self.paths)} are in steps.paths"
        return TraceError("trace-unknown-path", message, path=path, nearest=near)

    def _names_below(self, holder: Any) -> dict[int, str]:
        """The path below ``holder`` of every module in it, by identity."""
        if id(holder) not in self._names:
            names: dict[int, str] = {}
            for name, child in self._modules_below(holder):
                # A module held under two names (shared layers) goes by the one that sorts first.
                names[id(child)] = min(name, names.get(id(child), name))
            # The holder is kept beside its names: were it collected, another module could get its identity.
            self._names[id(holder)] = holder, names
        return self._names[id(holder)][1]

    def _modules_below(self, holder: Any) -> list[tuple[str, Any]]:
        """Each with its path. A tree is walked once: what is below a module of it is a part of that walk."""
        for top, walk in self._walks:
            path = self._names[id(top)][1].get(id(holder))
            if path:
                return [(name[len(path) + 1 :], child) for name, child in walk if f"{name}.".startswith(f"{path}.")]
        walk = holder.named_modules()
        self._walks.append((holder, walk))
        return walk

    def _changed(self, path: str, x: Any) -> Any:
        for replacement in self._replacements:
            if fnmatchcase(path, replacement.pattern):
                replacement.matched = True
                new = replacement.change(x)
                if not is_array(new):
                    raise TraceError(
                        "trace-replacement-array",
                        f"the replacement for {path!r} must give an array of the {backend_name} backend; "
                        f"it gave {type(new).__name__}",
                        path=path,
                    )
                if tuple(new.shape) != tuple(x.shape) or new.dtype != x.dtype:
                    raise TraceError(
                        "trace-replacement-shape",
                        f"the replacement for {path!r} must keep shape {tuple(x.shape)} and dtype {x.dtype}; "
                        f"it gave {tuple(new.shape)} and {new.dtype}",
                        path=path,
                    )
                x = new
        return x

    def _wants(self, path: str) -> bool:
        return self._only is None or fnmatchcase(path, self._only)

    def _pass(
        self, path: str, x: Any, kept: np.ndarray | None, axes: tuple[str, ...], formula: str, made: Origin | None
    ) -> None:
        self._passed += 1
        if kept is not None and self._wants(path):
            call = self._calls.get(path, 0)
            self._calls[path] = call + 1
            step = Step(path, call, axes, formula, kept, self._settled(made))
            self._steps.append(step)
            self._remember(x, step)
        if self._on_step is not None:
            self._on_step(path)

    def _remember(self, x: Any, step: Step) -> None:
        if self._origins:
            self._arrays[id(x)] = x, step

    def _settled(self, made: Origin | None) -> Origin | None:
        """With the steps of this trace."""
        if made is None or not self._origins or (isinstance(made, Same) and self._step_of(made.x) is None):
            return None
        return settled(made, self._step_of)

    def _step_of(self, x: Any) -> Step | None:
        found = self._arrays.get(id(x))
        return None if found is None else found[1]


def _statistics(values: np.ndarray) -> str:
    """``, mean ± deviation, least … largest`` of what is finite, and how many are not."""
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    missing = wide.size - finite.size
    said = f", {missing:,} not finite" if missing else ""
    if not finite.size:
        return said
    return f", {finite.mean():.4g} ± {finite.std():.4g}, {finite.min():.4g} … {finite.max():.4g}{said}"


@dataclass
class _Replacement:
    pattern: str
    change: Callable[[mx.array], mx.array]
    matched: bool = False


def trace(
    root: nn.Module | None = None,
    *,
    on_step: Callable[[str], None] | None = None,
    only: str | None = None,
    origins: bool | None = None,
) -> Trace:
    """Open a trace: ``with mf.trace() as steps: model(x)``.

    Traces nest: each records every step, and the replacements of all of them apply, the outermost first.

    Args:
        root: the module that paths start from. Needed only where our layers are called from a module of somebody
            else's, which does not announce itself; paths then stand beside ``root.parameters()``.
        on_step: called with each path as it is passed; what it raises ends the run (a progress bar, a cancel button).
        only: record just the paths that match this pattern (as in ``fnmatch``), where all would fill the memory.
        origins: whether steps keep how they were made, for ``mf.open_cell``: it costs no copy, but parameters and
            unrecorded operands live on with the steps. None is True unless ``only`` is given.

    Returns:
        What is entered by ``with``, a sequence of ``Step``.

    Raises:
        TraceError: on closing, if not one step was passed or a replacement matched nothing.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> x = mx.ones((1, 3, 8))
    >>> encoder = mf.Encoder(1, 8, 2, 16)
    >>> with mf.trace() as steps:
    ...     steps.replace("layers.0.self_attention.output", lambda x: 0 * x)
    ...     y = encoder(x)
    >>> steps["layers.0.self_attention.output"].value.any()
    np.False_
    >>> class Mine(mf.backend.nn.Module):  # a module that does not announce itself
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.body = encoder
    ...     def __call__(self, x):
    ...         return self.body(x)
    >>> mine = Mine()
    >>> with mf.trace(mine) as steps:
    ...     y = mine(x)
    >>> steps[0].path
    'body.layers.0.input'
    """
    return Trace(root, on_step, only, origins)


def is_tracing() -> bool:
    """Whether a trace is open in this thread.

    >>> from mlxformer.tracing import is_tracing
    >>> is_tracing()
    False
    """
    return bool(_open_traces.get())


def tap(
    name: str,
    x: mx.array,
    *,
    axes: tuple[str, ...],
    formula: str = "",
    of: Callable[[], Origin | None] | None = None,
) -> mx.array:
    """Mark an array as a step of the running module, and return it (or what a replacement makes of it).

    Args:
        name: what the step is called; its path is the module's and this.
        x: the array.
        axes: a name for each axis, of the glossary in ``mlxformer.axes``.
        formula: what was computed.
        of: called in an open trace, says of which arrays x was made (``mlxformer.origins``), so that a cell of it can
            be opened.

    Returns:
        x itself where no trace is open.

    Raises:
        TraceError: in a trace, where the axes do not fit, or the array has no values (inside ``mx.compile``).

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> with mf.trace() as steps:
    ...     x = mf.tap("doubled", 2 * mx.ones((3,)), axes=("time",), formula="2 x")
    >>> steps["doubled"].value.tolist()
    [2.0, 2.0, 2.0]
    """
    traces = _open_traces.get()
    if not traces:
        return x
    path = _path_here(name)
    computed = x
    for opened in traces:
        x = opened._changed(path, x)
    if x.ndim != len(axes):
        raise TraceError("trace-axes", f"step {path!r} has shape {tuple(x.shape)} but axes {axes}", path=path)
    kept = lasting(x) if any(opened._wants(path) for opened in traces) else None
    made = None if kept is None or of is None or x is not computed else of()
    for opened in traces:
        opened._pass(path, x, kept, axes, formula, made)
    return x


def aside(name: str, x: mx.array, *, axes: tuple[str, ...], formula: str, of: Callable[[], Origin | None]) -> mx.array:
    """Say how an array was made that is on the way to a step, and none itself. No replacement sees it.

    Args:
        name: as in ``tap``.
        x: the array.
        axes: as in ``tap``.
        formula: what was computed.
        of: as in ``tap``.

    Returns:
        x itself.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Total
    >>> from mlxformer.tracing import aside
    >>> with mf.trace() as steps:
    ...     x = mx.ones((2,))
    ...     y = aside("twice", x + x, axes=("time",), formula="x + x", of=lambda: Total((x, x)))
    ...     z = mf.tap("again", y + x, axes=("time",), formula="y + x", of=lambda: Total((y, x)))
    >>> steps.paths, steps["again"].made.operands[0]
    (['again'], Step('twice', float32 [2], 2 ± 0, 2 … 2))
    """
    traces = [opened for opened in _open_traces.get() if opened._origins]
    if traces:
        path, kept, made = _path_here(name), lasting(x), of()
        for opened in traces:
            opened._remember(x, Step(path, 0, axes, formula, kept, opened._settled(made)))
    return x


def alias(x: mx.array, of: mx.array) -> mx.array:
    """Let ``x`` lead to the step that ``of`` is, where their values are the same: a cast, or zeros nobody would see.

    Args:
        x: the array.
        of: another of its shape, which a tap returned perhaps.

    Returns:
        x itself.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.tracing import alias
    >>> alias(mx.ones((2,)), mx.ones((2,))).tolist()
    [1.0, 1.0]
    """
    if x is not of:
        for opened in _open_traces.get():
            step = opened._step_of(of)
            if step is not None and np.array_equal(numpy_view(x), step.kept):
                opened._remember(x, step)
    return x


def _path_here(name: str) -> str:
    running = _running.get()
    prefix = running[-1][1] if running else ""
    return f"{prefix}.{name}" if prefix else name


def in_trace(method: Method) -> Method:
    """Let taps inside ``method`` of a module know whose they are. ``Module.__call__`` has it already.

    Args:
        method: of a module.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.tracing import in_trace
    >>> class Half(mf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = mf.FeedForward(4, 8)
    ...     @in_trace
    ...     def first(self, x):
    ...         return self.layer(x)
    >>> with mf.trace(only="*.output") as steps:
    ...     y = Half().first(mx.ones((1, 3, 4)))
    >>> steps.paths
    ['layer.output']
    """

    @functools.wraps(method)
    def announced(self: Any, *args: Any, **kwargs: Any) -> Any:
        traces = _open_traces.get()
        if not traces:
            return method(self, *args, **kwargs)
        stack = _running.get()
        token = _running.set((*stack, (self, _path_of(self, stack, traces[0]))))
        try:
            return method(self, *args, **kwargs)
        finally:
            _running.reset(token)

    return cast(Method, announced)


def _path_of(module: Any, stack: tuple[tuple[Any, str], ...], opened: Trace) -> str:
    """The parameter path of ``module``, found by identity below the nearest module that holds it."""
    for holder, path in reversed(stack):
        if holder is module:
            return path
        name = opened._names_below(holder).get(id(module))
        if name is not None:
            return f"{path}.{name}" if path else name
    return stack[-1][1] if stack else ""


class _Settled(type):
    """Modules whose weights are made with them, once the outermost one is whole (``backend.settle``)."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of ``__init__``, which ``help`` would not see behind this class's ``__call__``."""
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if _making.get():
            return super().__call__(*args, **kwargs)
        outside = _making.set(True)
        try:
            module = super().__call__(*args, **kwargs)
        finally:
            _making.reset(outside)
        settle(module)
        return module


class Module(nn.Module, metaclass=_Settled):
    """``nn.Module`` whose ``__call__`` announces itself to an open trace. The base of every module here.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> class Twice(mf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.first, self.second = mf.FeedForward(4, 8), mf.FeedForward(4, 8)
    ...     def __call__(self, x):
    ...         return self.second(self.first(x))
    >>> with mf.trace(only="*.output") as steps:
    ...     y = Twice()(mx.ones((1, 3, 4)))
    >>> steps.paths
    ['first.output', 'second.output']
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in cls.__dict__:
            cls.__call__ = in_trace(cls.__dict__["__call__"])  # type: ignore[method-assign]
