"""The table as text, in Markdown, and what has changed since another run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.row import Kind, Result

TITLES = ("row", "what", "against", "ours", "peer", "found (middle half)", "aim", "threads", "rounds")


def table(results: Sequence[Result], before: Mapping[str, Result] | None = None) -> str:
    """A line for each result; with ``before`` a column more: what was found then, and whether it is another now."""
    titles = TITLES if before is None else (*TITLES, "before")
    lines = [titles, *(_cells(result, before) for result in results)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(titles))]
    drawn = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    drawn.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in drawn)


BEGIN, END = "<!-- benchmarks -->", "<!-- benchmarks end -->"


def in_readme(text: str, about: str, results: Sequence[Result]) -> str:
    """``text`` with the table between its two marks, under the line ``about`` the machine. Raises ``ValueError``."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there are no marks {BEGIN} and {END}")
    lines = ["| what | against | ours | ours : peer | aim |", "| --- | --- | --- | --- | --- |"]
    for result in results:
        _, what, against, ours, _, found, aim, _, _ = _cells(result, None)
        lines.append(f"| {what} | {against} | {ours} | {found if against else ''} | {aim} |")
    return f"{before}{BEGIN}\n{about}\n\n" + "\n".join(lines) + f"\n{END}{after}"


def _cells(result: Result, before: Mapping[str, Result] | None) -> tuple[str, ...]:
    cells = (
        result.name,
        result.what,
        result.against,
        _amount(result.ours, result.unit),
        _amount(result.peer, result.unit),
        _found(result),
        f"≤ {_say(result.aim, result.kind)}" + {True: " ✓", False: " ✗", None: ""}[result.reached],
        str(result.threads or "its own"),
        str(result.rounds),
    )
    return cells if before is None else (*cells, _change(result, before.get(result.name)))


def _found(result: Result) -> str:
    if result.failed:
        return f"failed: {result.failed}"
    if result.missing:
        return f"not installed: {', '.join(result.missing)}"
    if result.value is None or result.low is None or result.high is None:
        return ""
    said = [_say(value, result.kind) for value in (result.value, result.low, result.high)]
    return said[0] if result.rounds == 1 else f"{said[0]} ({said[1]} – {said[2]})"


def _change(now: Result, then: Result | None) -> str:
    """Another only where the middle halves of both do not meet: what lies within them is the machine."""
    if then is None or None in (then.value, then.low, then.high):
        return ""
    assert then.value is not None and then.low is not None and then.high is not None
    said = _say(then.value, then.kind)
    if now.value is None or now.low is None or now.high is None or now.kind != then.kind:
        return said
    if now.high < then.low:
        return f"{said}, faster now: {_share(now.value, then.value)}"
    if now.low > then.high:
        return f"{said}, slower now: {_share(now.value, then.value)}"
    return f"{said}, the same within the spread"


def _share(now: float, then: float) -> str:
    return f"{now / then - 1:+.0%}" if then > 0 else f"{now - then:+.3f}"


def _say(value: float, kind: Kind) -> str:
    if kind == "ratio":
        return f"{value:.2f}"
    return f"{value * 1000:+.0f} ms" if kind == "more" else _amount(value, "s")


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "B":
        return f"{value / 2**20:.1f} MiB"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"
