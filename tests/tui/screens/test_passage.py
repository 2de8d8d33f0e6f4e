"""A passage breaks its text at any width, and keeps the lines of a few widths alone."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tui.screens.passage import Passage

TEXT = "one two three four five six seven eight nine ten"


class OnePassage(App[None]):
    def compose(self) -> ComposeResult:
        yield Passage()


async def test_a_window_dragged_through_every_width_leaves_no_lines_behind() -> None:
    app = OnePassage()
    async with app.run_test(size=(20, 10)):
        passage = app.query_one(Passage)
        passage.show(TEXT)
        for width in [*range(10, 40), 20]:
            lines = [line.plain for line in passage._lines(width)]
            assert " ".join(lines) == TEXT and max(map(len, lines)) <= width
        assert len(passage._broken) == 4
        assert len(passage._lines(20)) == 3 and list(passage._broken)[-1][0] == 20
