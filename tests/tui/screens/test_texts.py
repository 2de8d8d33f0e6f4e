"""The texts that a text knob offers: typed before, its own, and its presets; kept per person."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import OptionList

from tests.tui.screens.conftest import Open, until
from tui.experiments.catalogue import catalogue
from tui.screens.lab import LabScreen
from tui.screens.live_panel import LivePanel
from tui.screens.texts import KEPT, TextsDialog, kept_texts, offered, with_text
from tui.widgets.knob_field import FieldRow

SENTENCE = catalogue()["attention-steps"].knobs[0]


class Store(dict[str, Any]):
    def setting(self, name: str, default: Any = None) -> Any:
        return self.get(name, default)


def test_own_texts_come_first_each_once_and_none_too_long() -> None:
    store = Store({"texts.sentence": ["mine", SENTENCE.presets[0], "x" * 201, 5]})
    texts = offered(store, SENTENCE)
    assert texts[:4] == ["mine", SENTENCE.presets[0], SENTENCE.default, SENTENCE.english]
    assert len(texts) == len(set(texts)) == 3 + len(SENTENCE.presets)
    assert kept_texts(Store({"texts.sentence": "broken"}), SENTENCE) == []
    many: list[str] = []
    for number in range(KEPT + 3):
        many = with_text(many, str(number))
    assert many[:2] == ["14", "13"] and len(many) == KEPT and with_text(many, "13")[:2] == ["13", "14"]


@pytest.mark.parametrize(
    "knob", [knob for each in catalogue().values() for knob in each.knobs if knob.presets], ids=lambda knob: knob.name
)
def test_a_knob_takes_its_presets(knob: Any) -> None:
    assert all(knob.parse(text) == text for text in knob.presets)
    own = [knob.default, knob.english] if knob.english else [knob.default]
    assert len({*own, *knob.presets}) == len(own) + len(knob.presets)


async def lab(pilot: Any, name: str = "attention-steps") -> FieldRow:
    await pilot.press("E")
    await until(pilot, lambda: isinstance(pilot.app.screen, LabScreen))
    pilot.app.screen.open(name, {})
    panel = pilot.app.screen.query_one(LivePanel)
    await until(pilot, lambda: panel.measured is not None)
    return panel.query(FieldRow).first()


async def test_what_is_typed_is_offered_again_in_every_experiment_and_the_next_time(opened: Open) -> None:
    async with opened(language="en") as pilot:
        row = await lab(pilot)
        await pilot.press("e")
        await until(pilot, lambda: row.field.has_focus)
        row.field.value = "my own words"
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.store.setting("texts.sentence") == ["my own words"]
        row.focus()
        await pilot.press("right")  # from one text to the next
        await pilot.pause()
        assert row.value == SENTENCE.default == row.field.value
        await pilot.press("left", "left")
        await pilot.pause()
        assert row.value == SENTENCE.presets[-1]
        assert pilot.app.store.setting("texts.sentence") == ["my own words"]  # what was only chosen is there anyway
    async with opened(language="en") as pilot:
        row = await lab(pilot, "padding")
        await pilot.press("e")
        await until(pilot, lambda: row.field.has_focus)
        await pilot.press("down")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextsDialog))
        options = pilot.app.screen.query_one(OptionList)
        assert str(options.get_option_at_index(0).prompt) == "my own words"
        await pilot.press("home", "enter")
        await until(pilot, lambda: row.value == "my own words")
        assert row.field.value == "my own words"


async def test_escape_takes_no_text_and_defaults_are_not_kept(opened: Open) -> None:
    async with opened(size=(80, 24), language="zh") as pilot:
        row = await lab(pilot)
        await pilot.press("e")
        await until(pilot, lambda: row.field.has_focus)
        await pilot.press("down")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextsDialog))
        await pilot.press("down", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LabScreen))
        assert row.value == SENTENCE.default
        row.field.value = ""
        row.focus()
        await pilot.pause()
        assert pilot.app.store.setting("texts.sentence") is None
