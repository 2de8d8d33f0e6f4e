"""The process that runs a person's code: ``python -P -m tui.judge.child FRAMEWORK IN OUT FAULTS``.

It imports the framework, says that it is ready, takes one file and its cases, and sends one message a case. It judges
nothing: what is right is known to the process that started it only. It ends with that process, however that ends.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from questions.bilingual import Bilingual
from tui.judge import wire
from tui.judge.audit import install
from tui.judge.calling import Fault, fault_of, line_of_nan, missing, not_python, run_case
from tui.judge.contract import Call, Case
from tui.judge.frameworks import Bridge
from tui.judge.stages import look

LONGEST = 60  # seconds of CPU for a file: what ends one that nobody watches any more and that gives no thread its turn


def main(framework: str, source: int, target: int, faults: int) -> None:
    write, exit_now, flush = os.write, os._exit, sys.stdout.flush

    def send(header: Any, blob: bytes | bytearray = b"") -> None:
        data = memoryview(wire.frame(header, blob))
        while data:
            data = data[write(target, data) :]

    # A C handler: it tells the line even where Python's own code never gets a turn.
    faulthandler.enable(faults, all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, faults, all_threads=False)
    try:
        bridge = Bridge(framework)
    except BaseException as error:
        send({"broken": f"{type(error).__name__}: {error}"[:500]})
        exit_now(1)
    send({"ready": framework})
    job, blob = _take(source)
    _end_with_the_judge(source, exit_now)
    _run(job, blob, bridge, send)
    with contextlib.suppress(BaseException):  # their stdout may be anything by now
        flush()
    send({"done": True})
    exit_now(0)


def _end_with_the_judge(source: int, exit_now: Any) -> None:
    """End when the judge is gone, killed or left in a hurry: while it runs, it holds the other end of ``source``."""
    read, here, remove = os.read, os.getcwd(), os.rmdir

    def wait() -> None:
        with contextlib.suppress(OSError):  # their code may have closed it
            read(source, 1)
            with contextlib.suppress(OSError):
                remove(here)  # the folder that it was given, where nothing is in it
            exit_now(1)

    threading.Thread(target=wait, name="judge", daemon=True).start()
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        limit = int(time.process_time()) + LONGEST
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


def _run(job: Mapping[str, Any], blob: bytes, bridge: Bridge, send: Any) -> None:
    filename: str = job["file"]
    cases = [
        Case(
            name,
            Bilingual(name, name),
            tuple(Call(f, tuple(_numbers(a, blob)), _numbers(o, blob)) for f, a, o in calls),
        )
        for name, calls in job["cases"]
    ]
    text = blob[job["source"][0] : job["source"][1]]
    builtins.look = look  # type: ignore[attr-defined]
    space: dict[str, Any] = {"__name__": "by_hand", "__file__": filename, "__builtins__": builtins}
    returns: dict[str, int] = {}
    loads, writer_of, dumps = missing, wire.Writer, _encoded
    try:
        tree = ast.parse(text, filename)
        returns = _returns(tree)
        code = compile(tree, filename, "exec")
    except BaseException as error:
        send({"fault": not_python(error, text).as_data()})
        return
    try:
        install(filename)
        exec(code, space)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        send({"fault": fault_of(error, filename).as_data()})
        return
    fault = loads(space, cases)
    if fault is not None:
        send({"fault": fault.as_data()})
        return
    send({"loaded": returns})
    for place, case in enumerate(cases):
        send({"begins": place})
        ran = run_case(case, space, bridge, filename)
        writer = writer_of(bridge.take)
        values = [writer.write(each) for each in ran.returned]
        looks = [[name, writer.write(value)] for name, value in ran.looks]
        line = None
        if ran.fault is None and any(_has_nan(each, bridge) for each in ran.returned):
            line = line_of_nan(case, space, bridge, filename)
        send(dumps(place, values, looks, ran.fault, line), writer.blob)


def _numbers(data: Any, blob: bytes) -> Any:
    """Arguments as they were sent, their arrays NumPy's."""

    def plain(value: Any) -> Any:
        if isinstance(value, wire.Array):
            return value.values
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        return type(value)(plain(each) for each in value) if isinstance(value, list | tuple) else value

    return plain(wire.read(data, blob))


def _encoded(place: int, values: Any, looks: Any, fault: Fault | None, nan_line: int | None) -> dict[str, Any]:
    return {
        "case": place,
        "values": values,
        "looks": looks,
        "fault": None if fault is None else fault.as_data(),
        "nan": nan_line,
    }


def _has_nan(value: Any, bridge: Bridge, depth: int = 0) -> bool:
    if isinstance(value, tuple | list):
        return len(value) < 10 and depth < 2 and any(_has_nan(each, bridge, depth + 1) for each in value)
    array = bridge.take(value)
    return array is not None and array.values.dtype.kind == "f" and bool((array.values != array.values).any())


def _returns(tree: ast.Module) -> dict[str, int]:
    """For each function of the file, the line where it returns; where it begins if it returns in several or none."""
    found: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            lines = [each.lineno for each in _own(node) if isinstance(each, ast.Return)]
            found[node.name] = lines[0] if len(lines) == 1 else node.lineno
    return found


def _own(node: ast.AST) -> list[ast.AST]:
    """The nodes below ``node``, less those in functions within it."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.AsyncFunctionDef | ast.ClassDef):
            found += [child, *_own(child)]
    return found


def _take(source: int) -> tuple[dict[str, Any], bytes]:
    text, blob = wire.lengths(_exactly(source, wire.HEAD_SIZE))
    job: dict[str, Any] = json.loads(_exactly(source, text))
    return job, _exactly(source, blob)


def _exactly(source: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(source, size - len(parts))
        if not part:
            raise SystemExit(1)  # the judge has gone
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
