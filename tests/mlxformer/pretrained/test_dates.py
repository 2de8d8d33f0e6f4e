"""The shipped date models: what was trained on, what was held out, what they do, and that this code makes them."""

from __future__ import annotations

import datetime
import random
from dataclasses import replace

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.pretrained import load_pretrained, pretrained_names
from mlxformer.pretrained.dates.evaluation import CHINESE, ENGLISH, alignment, exact, held_out
from mlxformer.pretrained.dates.formats import FORMATS, all_dates, chinese_number, write_date
from mlxformer.pretrained.dates.reader import DateReader
from mlxformer.pretrained.dates.recipe import RECIPES, TOKENIZER
from mlxformer.pretrained.dates.split import held_out_dates, training_dates
from mlxformer.pretrained.training import train
from mlxformer.tracing import trace

SHIPPED = [name for name in RECIPES if name in pretrained_names()]


@pytest.fixture(scope="module")
def dates() -> DateReader:
    reader: DateReader = load_pretrained("dates")
    return reader


def test_no_held_out_date_is_trained_on() -> None:
    trained, held = set(training_dates()), set(held_out_dates())
    assert not trained & held and trained | held == set(all_dates())
    assert len(held) >= 1000 and sum((date.month, date.day) == (2, 29) for date in held) >= 5


def test_batches_are_of_training_dates_only() -> None:
    held = {date.isoformat() for date in held_out_dates()}
    _, target_ids = RECIPES["dates"].batch(np.random.default_rng(0), 0)
    targets = [TOKENIZER.decode(row) for row in to_numpy(target_ids)]
    assert len(set(targets)) > 50 and not held & set(targets)


@pytest.mark.parametrize("name", FORMATS)
def test_spans_say_their_field(name: str) -> None:
    source = random.Random(3)
    for date in all_dates()[::997]:
        written = write_date(date, name, source)
        day = written.text[slice(*written.spans["day"])].rstrip("日号")
        digits = "".join(str(int(character)) for character in day if character.isdecimal())
        assert digits.lstrip("0") == str(date.day) if digits else day == chinese_number(date.day)
        assert TOKENIZER.unknown_id not in TOKENIZER.source(written.text)


@pytest.mark.parametrize("name", FORMATS)
def test_held_out_dates_are_read_exactly_in_each_format(dates: DateReader, name: str) -> None:
    assert exact(dates, name, count=60) >= 0.98
    assert dates.card.score(name) >= 0.995  # on all of them; python -m mlxformer.pretrained.evaluate dates


def test_the_call_of_the_documentation(dates: DateReader) -> None:
    assert dates("二〇二六年十一月二十三日") == "2026-11-23"
    assert dates(["MONDAY, NOVEMBER 23, 2026", "２０２６年１１月２３日 周一"]) == ["2026-11-23"] * 2


def test_alignment_is_what_the_card_says(dates: DateReader) -> None:
    found = {language: alignment(dates, names, count=10) for language, names in (("en", ENGLISH), ("zh", CHINESE))}
    for language, by_head in found.items():
        assert max(by_head.values()) == pytest.approx(dates.card.score(f"best-head-alignment-{language}"), abs=0.06)
    head = max(found["en"], key=lambda head: min(found["en"][head], found["zh"][head]))
    assert min(found["en"][head], found["zh"][head]) >= 0.94 and dates.card.score("best-head-alignment") >= 0.95


def test_a_month_of_one_digit_is_read_at_its_unit_word(dates: DateReader) -> None:
    """Where numbers alone count, what misses is the 0 of 01, and it looks at 月."""
    assert max(alignment(dates, CHINESE, count=10, numbers_only=True).values()) < 0.93


def test_without_cross_attention_the_source_is_not_read(dates: DateReader) -> None:
    pairs = held_out("2026/11/23", 8)
    source_ids = mx.array(TOKENIZER.pad([TOKENIZER.source(written.text) for _, written in pairs]))
    with trace(only="") as steps:
        steps.replace("decoder.layers.*.cross_attention.heads", lambda heads: heads * 0)
        ids = to_numpy(dates.model.generate(source_ids, max_length=12))
    assert (ids == ids[0]).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_twins_read_what_their_cards_say(name: str) -> None:
    reader = load_pretrained(name)
    measured = float(np.mean([exact(reader, each, count=12) for each in ("23 November 2026", "2026年11月23日")]))
    said = float(np.mean([reader.card.score(each) for each in ("23 November 2026", "2026年11月23日")]))
    assert measured == pytest.approx(said, abs=0.15)


@pytest.mark.parametrize("text", ["", "   ", "x" * 49])
def test_texts_that_cannot_be_dates_are_refused(dates: DateReader, text: str) -> None:
    with pytest.raises(ArgumentError):
        dates(text)


def test_unknown_characters_do_not_crash(dates: DateReader) -> None:
    assert isinstance(dates("🙂 α ʒ 2026"), str)


@pytest.mark.once  # three minutes on MLX's CPU build; that training works there, test_masked shows on a smaller model
def test_this_code_makes_the_model() -> None:
    """From another seed, a twentieth of the steps, half the dates: held-out accuracy rises from nothing past a half."""
    accuracies = []

    def look(model: object, step: int) -> None:
        reader = DateReader(model, TOKENIZER, load_pretrained("dates").card)
        accuracies.append(float(np.mean([exact(reader, name, count=5) for name in FORMATS])))

    train(replace(RECIPES["dates"], batch_size=48), seed=1, steps=240, every=(60, look), quiet=True)
    assert accuracies[0] < 0.2 and accuracies[-1] > 0.5


def test_29_february_of_a_leap_year(dates: DateReader) -> None:
    leap = datetime.date(2024, 2, 29)
    assert dates([write_date(leap, name, random.Random(0)).text for name in FORMATS]) == [leap.isoformat()] * len(
        FORMATS
    )
