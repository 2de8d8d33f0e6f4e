"""Record a person at the real program: a question answered, a knob turned, a cell opened. One SVG that moves.

    python docs/moving.py                      # docs/moving.svg, at the top of the README

Textual's pilot presses the keys, and each frame is what the program has on its screen. A line that does not change from
frame to frame is written once, with the time for which it is seen. (The milliseconds of a run are those of this run.)
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

os.environ.setdefault("MLXFORMER_BACKEND", "numpy")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from rich.cells import cell_len  # noqa: E402
from rich.segment import Segment  # noqa: E402
from rich.style import Style  # noqa: E402
from textual.events import Paste  # noqa: E402
from textual.pilot import Pilot  # noqa: E402

from questions.bilingual import say  # noqa: E402
from tui.app import QuizApp  # noqa: E402
from tui.bank import load_bank  # noqa: E402
from tui.progress.store import open_store  # noqa: E402
from tui.screens.live_panel import LivePanel  # noqa: E402
from tui.widgets.steps_panel import StepsPanel  # noqa: E402

SIZE = 110, 30
CELL, LINE = 8.4, 18  # pixels of a cell's width and height
MARGIN = 10
GROUND = "#121212"  # of the theme, which is not drawn behind each cell
QUESTION = "attention-formula"
ANSWER = "用查询和键算相似度，除以根号 d，softmax 归一化成权重，再对值加权求和"
Line = tuple[Segment, ...]


class Recording:
    """Frames: the lines on the screen, and how many seconds they stay."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot = pilot
        self.frames: list[tuple[list[Line], float]] = []

    async def keep(self, seconds: float) -> None:
        await self.pilot.pause()
        await self.pilot.pause()  # what is drawn in answer to what was drawn
        strips = self.pilot.app.screen._compositor.render_strips()
        self.frames.append(([tuple(Segment.simplify(strip)) for strip in strips], seconds))

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(1000):
            await self.pilot.pause()
            if holds():
                return
            await self.pilot.pause(0.02)
        raise SystemExit("the program did not come to where it should")


async def play(pilot: Pilot[Any]) -> list[tuple[list[Line], float]]:
    """Twenty seconds of a person at the program."""
    app, recording = pilot.app, Recording(pilot)
    await recording.keep(2.0)
    await pilot.press("i")
    for end in range(6, len(ANSWER) + 6, 6):
        app.post_message(Paste(ANSWER[end - 6 : end]))
        await recording.keep(0.2)
    await recording.keep(0.6)
    await pilot.press("ctrl+s")
    panel = app.screen.query_one(LivePanel)
    await recording.until(lambda: panel.measured is not None)
    await recording.keep(3.0)
    row = next(row for row in panel.query("SliderRow") if row.knob.name == "temperature")  # type: ignore[attr-defined]
    row.focus()
    for turns in (2, 2, 3, 4, 5):
        before = panel.measured
        for _ in range(turns):
            await pilot.press("right")
        await recording.until(lambda: panel.measured is not before and not panel._progressing)  # noqa: B023
        await recording.keep(0.5)
    await recording.keep(1.0)
    panel.action_defaults()
    await recording.until(lambda: not panel._progressing)
    panel._turn_to("steps")
    steps = panel.query_one(StepsPanel)
    await recording.until(lambda: bool(steps.trail))
    names = [say(stop.name, "en") for stop in steps.trail]
    steps.list.focus()
    steps.list.chosen = names.index("scores")
    await recording.keep(1.4)
    await pilot.press("enter")
    await recording.until(lambda: steps.detail is not None and steps.detail.is_open)
    await recording.keep(1.0)
    await pilot.press("greater_than_sign")
    await recording.keep(0.8)
    await pilot.press("greater_than_sign", "down", "down", "down", "right", "right", "right")
    await recording.keep(1.2)
    await pilot.press("enter")
    await recording.until(lambda: steps.sum is not None)
    await recording.keep(2.6)
    await pilot.press("down", "down", "down", "down", "enter", "enter", "enter")
    await recording.keep(0.4)
    await pilot.press("enter")
    await recording.until(lambda: steps.sum is not None)
    await recording.keep(2.4)
    return recording.frames


def moving_svg(frames: Sequence[tuple[Sequence[Line], float]], size: tuple[int, int]) -> str:
    """The frames one after another, for ever. What a line shows is written once for each time that it is seen."""
    columns, lines = size
    whole = sum(seconds for _, seconds in frames)
    starts = [sum(seconds for _, seconds in frames[:at]) for at in range(len(frames) + 1)]
    spans: dict[tuple[int, int], list[str]] = {}  # frames from and to -> what is seen then
    for y in range(lines):
        since = 0
        for at in range(1, len(frames) + 1):
            if at == len(frames) or frames[at][0][y] != frames[since][0][y]:
                spans.setdefault((since, at), []).append(_line(frames[since][0][y], y))
                since = at
    width, height = columns * CELL + 2 * MARGIN, lines * LINE + 2 * MARGIN
    rules, groups = [], []
    for number, ((since, until), drawn) in enumerate(sorted(spans.items())):
        if (since, until) == (0, len(frames)):
            groups.append("<g>" + "".join(drawn) + "</g>")
            continue
        begin, end = (100 * starts[at] / whole for at in (since, until))
        shown = "visible" if since == 0 else "hidden"
        stops = [f"0%{{visibility:{shown}}}"]
        stops += [f"{begin:.3f}%{{visibility:visible}}"] if since else []
        stops += [f"{end:.3f}%{{visibility:hidden}}"] if until < len(frames) else []
        changes = f"@keyframes k{number}{{{''.join(stops)}}}"
        rules.append(f"{changes}.f{number}{{animation:k{number} {whole:.2f}s step-end infinite}}")
        groups.append(f'<g class="f{number}">' + "".join(drawn) + "</g>")
    style = "text{font:14px Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace;white-space:pre}"
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}><style>{style}{"".join(rules)}</style>'
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>{"".join(groups)}</svg>\n'
    )


def _line(segments: Line, y: int) -> str:
    """A line's backgrounds, then its texts; each wide character is put at its own cell."""
    x, below, above = 0, [], []
    top = MARGIN + y * LINE
    for text, style, _ in segments:
        color, ground, bold, underline = _look(style or Style())
        cells = cell_len(text)
        if ground:
            place = f'x="{MARGIN + x * CELL:.1f}" y="{top}" width="{cells * CELL:.1f}" height="{LINE}"'
            below.append(f'<rect {place} fill="{ground}"/>')
        extra = (' font-weight="700"' if bold else "") + (' text-decoration="underline"' if underline else "")
        for start, part in _parts(text):
            left, wide = MARGIN + (x + start) * CELL, cell_len(part) * CELL
            place = f'x="{left:.1f}" y="{top + 14}" textLength="{wide:.1f}"'
            above.append(f'<text {place} fill="{color}"{extra}>{escape(part)}</text>')
        x += cells
    return "".join(below) + "".join(above)


def _parts(text: str) -> list[tuple[int, str]]:
    """The words in a text with the cells at which they begin; what is not ASCII stands alone, blanks are left out."""
    parts: list[tuple[int, str]] = []
    at, word, begun = 0, "", 0
    for sign in text:
        wide = cell_len(sign)
        if sign == " " or not sign.isascii():
            if word:
                parts.append((begun, word))
            if sign != " " and wide:
                parts.append((at, sign))
            word = ""
        else:
            begun = begun if word else at
            word += sign
        at += wide
    return [*parts, (begun, word)] if word else parts


def _look(style: Style) -> tuple[str, str, bool, bool]:
    """The colors of a text and of what is behind it."""
    color, ground = (
        None if each is None or each.is_default else each.get_truecolor() for each in (style.color, style.bgcolor)
    )
    front, back = color.hex if color else "#e0e0e0", ground.hex if ground else ""
    if style.reverse:
        front, back = back or GROUND, front
    if style.dim and color and ground:
        mixed = (round(0.6 * a + 0.4 * b) for a, b in zip(color, ground, strict=True))
        front = "#{:02x}{:02x}{:02x}".format(*mixed)
    return front, "" if back == GROUND else back, bool(style.bold), bool(style.underline)


async def _frames() -> list[tuple[list[Line], float]]:
    questions = [question for question in load_bank().questions if question.id == QUESTION]
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as store:
        store.set_setting("welcomed", True)
        app = QuizApp(questions, store, language="zh")
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await pilot.pause()
            return await play(pilot)


def record(path: Path) -> None:
    path.write_text(moving_svg(asyncio.run(_frames()), SIZE), encoding="utf-8")


if __name__ == "__main__":
    record(Path(__file__).parent / "moving.svg")
