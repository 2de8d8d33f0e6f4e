"""The editors' schema is up to date and says what the loader says."""

from __future__ import annotations

import copy
import importlib.resources
import json
from typing import Any

import pytest

from questions.item import as_data
from questions.loader import load, load_shipped
from questions.schema import schema, schema_text

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the schema that editors use")

ITEM: dict[str, Any] = {
    "id": "mine",
    "topic": "attention",
    "level": 2,
    "question": {"zh": "为什么"},
    "answer": {"en": "Because"},
    "key_points": [{"zh": "方差", "match": ["方差", ["std", "sqrt"]], "check": "variance-grows"}],
    "misconception": {"en": "No", "match": ["no"]},
    "predict": {
        "question": {"en": "q"},
        "choices": {"a": {"en": "x"}, "b": {"en": "y"}, "c": {"en": "z"}},
        "answer": "b",
        "why": {"en": "w"},
        "with": {"d_k": 64, "scale": "none", "causal": True},
    },
    "follow_ups": [{"see": "mine"}, {"question": {"en": "q"}, "answer": {"en": "a"}}],
    "source": ["p1-q6"],
    "sources": [{"title": "T", "where": {"en": "§3"}, "url": "https://example.org"}],
    "experiment": {"run": "scaling", "with": {}},
}

GOOD: list[tuple[tuple[str | int, ...], Any]] = [
    (("source",), "p1-q6"),
    (("question",), {"zh": "为什么", "en": "Why"}),
    (("question", "zh"), True),  # the word true
    (("question", "zh"), 12),
    (("key_points", 0, "match"), ["a"]),
    (("key_points", 0, "id"), "variance"),
    (("brief",), {"zh": "短", "en": "Short."}),
    (("follow_ups", 0, "when"), "thin"),
    (("topic",), "任意话题"),
]
BAD: list[tuple[tuple[str | int, ...], Any]] = [
    (("id",), "Mine"),
    (("id",), "a" * 65),
    (("id",), ""),
    (("level",), 4),
    (("level",), "2"),
    (("level",), 1.5),
    (("question",), {}),
    (("question",), "why"),
    (("question", "fr"), "pourquoi"),
    (("question", "zh"), ""),
    (("question", "zh"), "  "),
    (("question", "zh"), None),
    (("question", "zh"), ["a"]),
    (("key_points",), []),
    (("key_points",), [ITEM["key_points"][0]] * 9),
    (("key_points", 0, "match"), []),
    (("key_points", 0, "match"), "方差"),
    (("key_points", 0, "match"), [[]]),
    (("key_points", 0, "match"), [["a", ["b"]]]),
    (("key_points", 0, "chek"), "a"),
    (("key_points", 0, "id"), "The Variance"),
    (("brief",), {}),
    (("follow_ups", 0, "when"), "bad"),
    (("key_points", 0, "check"), "Not A Name"),
    (("predict", "answer"), "e"),
    (("predict", "choices"), {"a": {"en": "x"}}),
    (("predict", "choices"), {"a": {"en": "x"}, "c": {"en": "x"}}),
    (("predict", "choices"), {"a": {"en": "x"}, "b": {"en": "y"}, "d": {"en": "z"}}),
    (("predict", "with"), {"d_k": [1]}),
    (("follow_ups",), []),
    (("follow_ups", 0), {"see": "mine", "question": {"en": "q"}}),
    (("follow_ups", 1), {"question": {"en": "q"}}),
    (("sources", 0, "url"), "example.org"),
    (("sources", 0), {"where": "§3"}),
    (("experiment",), {"with": {}}),
    (("extra",), 1),
]


def changed(path: tuple[str | int, ...], value: Any) -> list[Any]:
    item = copy.deepcopy(ITEM)
    part: Any = item
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return [item]


def loads(data: Any, tmp_path) -> bool:
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    bank = load([file])
    return not bank.problems and len(bank.questions) == 1


def validates(data: Any) -> bool:
    return jsonschema.Draft202012Validator(schema()).is_valid(data)


def test_the_file_is_what_the_declarations_give():
    shipped = importlib.resources.files("questions").joinpath("schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), "run: python -m questions.schema > questions/schema.json"


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


def test_a_whole_item_is_good_for_both(tmp_path):
    assert validates([ITEM]) and loads([ITEM], tmp_path)


@pytest.mark.parametrize(("path", "value"), GOOD)
def test_good_for_both(path, value, tmp_path):
    data = changed(path, value)
    assert validates(data) and loads(data, tmp_path)


@pytest.mark.parametrize(("path", "value"), BAD)
def test_bad_for_both(path, value, tmp_path):
    data = changed(path, value)
    assert not validates(data) and not loads(data, tmp_path)


@pytest.mark.parametrize("key", sorted(ITEM))
def test_what_may_be_missing_is_the_same_for_both(key, tmp_path):
    data = [{name: copy.deepcopy(value) for name, value in ITEM.items() if name != key}]
    if key == "experiment":  # the key point's check needs it, which a schema cannot say
        del data[0]["key_points"][0]["check"]
    assert validates(data) == loads(data, tmp_path)


def test_the_shipped_bank_follows_the_schema():
    data = [as_data(question) for question in load_shipped().questions]
    assert data and validates(data)
