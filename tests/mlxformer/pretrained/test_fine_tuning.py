"""bert-mini fine-tuned: lines of held-out documents, what is frozen stays, and what ships is what this code gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.pretrained.masked.fine_tuning import GRID, SEEDS, Setting, fine_tune, lines, read_tuned
from mlxformer.pretrained.masked.samples import samples
from mlxformer.pretrained.registry import load_pretrained


def test_lines_are_of_held_out_documents_and_of_one_class_each() -> None:
    poems, sayings = lines()
    assert not set(poems) & set(sayings) and {len(line) for line in (*poems, *sayings)} == {5}
    for kind, found in (("tang", poems), ("lunyu", sayings)):
        held_out = "".join(samples(kind, held_out=True))  # type: ignore[arg-type]
        assert all(line in held_out for line in found)


def test_what_ships_is_what_this_code_gives() -> None:
    for setting in (Setting(layers=0, seed=1), Setting(layers=0, rate=2e-3, seed=2)):
        shipped = next(each for each in read_tuned() if each.setting == setting)
        found = fine_tune(setting)
        assert found.steps == shipped.steps
        assert found.right == pytest.approx(shipped.right, abs=0.03)  # lines; another backend rounds otherwise
        assert found.moved == pytest.approx(shipped.moved, abs=0.005) and found.recall == pytest.approx(
            shipped.recall, abs=0.03
        )


def test_every_setting_is_there_from_every_seed() -> None:
    assert [each.setting for each in read_tuned()] == [replace(way, seed=seed) for way in GRID for seed in SEEDS]


def test_frozen_layers_stay_and_the_shipped_model_is_not_touched() -> None:
    before = {path: to_numpy(value) for path, value in tree_flatten(load_pretrained("bert-mini").model.parameters())}
    found = fine_tune(Setting(layers=1, steps=2, examples=8))
    assert found.moved[:3] == (0.0, 0.0, 0.0) and found.moved[3] > 0
    after = dict(tree_flatten(load_pretrained("bert-mini").model.parameters()))
    assert all(mx.array_equal(mx.array(value), after[path]) for path, value in before.items())


def test_shuffled_labels_teach_nothing() -> None:
    shares = [fine_tune(Setting(layers=0, seed=seed), shuffle_labels=True, every=10).right[-1] for seed in range(4)]
    assert sum(shares) / 4 < 0.8
