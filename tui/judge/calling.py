"""Calling written functions on the cases and telling what came of it: values, an error and its line, what was changed.

The same stands in the process that runs a person's code and, for functions that are trusted, in the judge itself.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tui.judge.audit import LeavingError, RefusedError
from tui.judge.contract import Call, Case, Earlier
from tui.judge.frameworks import Bridge
from tui.judge.stages import looking

LONGEST_MESSAGE = 500
MOST_LOOKS = 50


@dataclass(frozen=True)
class Fault:
    """What ended a file or a case early: its kind, the line of the person's file, and what Python said."""

    kind: str
    line: int | None = None
    text: str = ""  # the message, or what is missing
    name: str = ""  # of the exception, the function or the argument

    def as_data(self) -> list[Any]:
        return [self.kind, self.line, self.text[:LONGEST_MESSAGE], self.name[:LONGEST_MESSAGE]]


@dataclass
class Ran:
    """One case: what each of its calls returned, what was looked at in them, and what went wrong."""

    returned: list[Any] = field(default_factory=list)
    looks: list[tuple[str, Any]] = field(default_factory=list)
    fault: Fault | None = None


def fault_of(error: BaseException, filename: str) -> Fault:
    """An exception as a fault: the last line of the person's file that it came through."""
    if isinstance(error, SyntaxError) and error.filename == filename:
        return Fault("syntax", error.lineno, str(error.msg), (error.text or "").rstrip("\n"))
    line = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == filename:
            line = number
    try:
        said = str(error)
    except Exception:  # a person's own exception may fail at that too
        said = ""
    name = type(error).__name__
    if isinstance(error, RefusedError):
        return Fault(f"refused-{error.what}", line, error.detail)
    if isinstance(error, LeavingError | SystemExit):
        return Fault("exit", line, said)
    if isinstance(error, EOFError):
        return Fault("input", line, said)
    if isinstance(error, ImportError):
        return Fault("import", line, said, getattr(error, "name", "") or "")
    if isinstance(error, MemoryError):
        return Fault("memory", line, said)
    return Fault("exception", line, said, name)


def not_python(error: BaseException, source: bytes) -> Fault:
    """Why the compiler refused ``source``. Where it is no UTF-8, Python may only say so in English, and not where."""
    byte = first_not_text(source)
    if byte is not None and b"coding" not in source[:200]:  # another encoding may be declared there (PEP 263)
        return Fault("syntax-not-text", source.count(b"\n", 0, byte) + 1, f"0x{source[byte]:02x}", f"{byte + 1:,}")
    if isinstance(error, SyntaxError):
        return Fault("syntax", error.lineno or None, str(error.msg))
    return Fault("syntax", None, str(error))


def first_not_text(source: bytes) -> int | None:
    """Where the first byte stands that cannot be in a text of UTF-8."""
    null = source.find(b"\0")
    try:
        source[: null if null >= 0 else None].decode()
    except UnicodeDecodeError as error:
        return error.start
    return null if null >= 0 else None


def missing(functions: Mapping[str, Any], cases: Sequence[Case]) -> Fault | None:
    """The first function that is not there, or cannot be called as the task calls it."""
    for case in cases:
        for call in case.calls:
            function = functions.get(call.function)
            if not callable(function):
                return Fault("missing", None, "", call.function)
            try:
                inspect.signature(function).bind(*call.arguments, **call.options)
            except TypeError:
                taken = str(inspect.signature(function))
                code = getattr(function, "__code__", None)
                line = code.co_firstlineno if code is not None else None
                return Fault("signature", line, f"{call.function}{taken}", call.function)
            except ValueError:  # a builtin without a signature
                continue
    return None


def run_case(case: Case, functions: Mapping[str, Callable[..., Any]], bridge: Bridge, filename: str) -> Ran:
    """Call ``functions`` as the case says, on arrays of the bridge's framework."""
    ran = Ran()
    for call in case.calls:
        function = functions[call.function]
        arguments, options = _given(call, ran.returned, bridge)
        before = _copies(call, arguments, options, bridge)
        try:
            with looking() as looks:
                result = function(*arguments, **options)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            ran.looks += _few(looks, bridge)
            ran.fault = fault_of(error, filename)
            return ran
        ran.looks += _few(looks, bridge)
        changed = _changed(before, arguments, options, bridge)
        if changed is not None:
            ran.fault = Fault("changed", _line_of_change(function, call, ran, bridge, filename), "", changed)
            return ran
        ran.returned.append(result)
    return ran


def _few(looks: Sequence[tuple[Any, Any]], bridge: Bridge) -> list[tuple[str, Any]]:
    kept = []
    for name, value in looks[:MOST_LOOKS]:
        array = bridge.take(value)
        if array is not None and isinstance(name, str):
            kept.append((name[:50], array))
    return kept


def _given(call: Call, returned: Sequence[Any], bridge: Bridge) -> tuple[list[Any], dict[str, Any]]:
    def given(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return bridge.give(value)
        if isinstance(value, Earlier):
            result = returned[value.call]
            return result[value.output] if isinstance(result, tuple | list) and len(result) > value.output else None
        if type(value) in (list, tuple):
            return type(value)(given(each) for each in value)
        return {name: given(each) for name, each in value.items()} if type(value) is dict else value

    return [given(each) for each in call.arguments], {name: given(each) for name, each in call.options.items()}


def _copies(call: Call, arguments: Sequence[Any], options: Mapping[str, Any], bridge: Bridge) -> list[Any]:
    """What is compared after the call; lists that an earlier call returned are the person's own, to change at will."""
    given = zip((*call.arguments, *call.options.values()), (*arguments, *options.values()), strict=True)
    return [_copy(value, bridge, arrays_only=isinstance(of, Earlier)) for of, value in given]


def _copy(value: Any, bridge: Bridge, arrays_only: bool = False) -> Any:
    array = bridge.take(value)
    if array is not None:
        return array.values
    if type(value) is dict and not arrays_only:
        return {name: _copy(each, bridge) for name, each in value.items()}
    if type(value) in (list, tuple) and not arrays_only:
        return [_copy(each, bridge) for each in value]
    return None if arrays_only else value


def _is_same(old: Any, new: Any) -> bool:
    """Of two copies: arrays by their bits, so that NaN is NaN."""
    if isinstance(old, np.ndarray):
        return isinstance(new, np.ndarray) and old.shape == new.shape and old.tobytes() == new.tobytes()
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return list(old) == list(new) and all(map(_is_same, old.values(), new.values()))
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_is_same, old, new))
    return bool(old == new)


def _changed(before: Sequence[Any], arguments: Sequence[Any], options: Mapping[str, Any], bridge: Bridge) -> str | None:
    """Which argument is no longer what it was: its place, counted from 1, or its name."""
    names = [*(str(place) for place in range(1, len(arguments) + 1)), *options]
    for name, old, value in zip(names, before, (*arguments, *options.values()), strict=True):
        if old is not None and not _is_same(old, _copy(value, bridge)):
            return name
    return None


def _line_of_change(function: Any, call: Call, ran: Ran, bridge: Bridge, filename: str) -> int | None:
    """Run the call once more and look after each line whether an argument has changed."""
    arguments, options = _given(call, ran.returned, bridge)
    before = _copies(call, arguments, options, bridge)
    found: list[int] = []
    last = [0]

    def trace(frame: Any, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != filename:
            return None
        if not found and last[0] and _changed(before, arguments, options, bridge) is not None:
            found.append(last[0])
        last[0] = frame.f_lineno
        return None if found else trace

    _traced(function, arguments, options, trace)
    return found[0] if found else (last[0] or None)


def line_of_nan(case: Case, functions: Mapping[str, Any], bridge: Bridge, filename: str) -> int | None:
    """The line after which a local value first holds a NaN; the case is run once more for it."""
    found: list[int] = []
    last = [0]

    def has_nan(value: Any) -> bool:
        array = bridge.take(value)
        return array is not None and array.values.dtype.kind == "f" and bool(np.isnan(array.values).any())

    def trace(frame: Any, event: str, value: Any) -> Any:
        if frame.f_code.co_filename != filename:
            return None
        if not found and last[0]:
            held = [value] if event == "return" else []
            if any(map(has_nan, (*frame.f_locals.values(), *held))):
                found.append(frame.f_lineno if event == "return" else last[0])
        last[0] = frame.f_lineno
        return None if found else trace

    returned: list[Any] = []
    for call in case.calls:
        arguments, options = _given(call, returned, bridge)
        returned.append(_traced(functions[call.function], arguments, options, trace))
    return found[0] if found else None


def _traced(function: Any, arguments: Sequence[Any], options: Mapping[str, Any], trace: Any) -> Any:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(*arguments, **options)
    except Exception:
        return None
    finally:
        sys.settrace(before)
