"""One search, on the shipped bank: what is found, in which order, and which piece of it is shown."""

from __future__ import annotations

import pytest

from questions.bilingual import Bilingual, Language
from tui.bank import load_bank
from tui.experiments.catalogue import catalogue
from tui.practice.filters import FILTERS, passes
from tui.practice.finding import Entry, experiment_entry, find, fold, point_entries, question_entry

QUESTIONS = load_bank().questions
ENTRIES = [
    *map(question_entry, QUESTIONS),
    *map(experiment_entry, catalogue().values()),
    *(entry for question in QUESTIONS for entry in point_entries(question)),
]


@pytest.mark.parametrize(
    ("search", "language", "first"),
    [
        ("flash", "zh", ("question", "flash-attention")),
        ("ＦＬＡＳＨ", "en", ("question", "flash-attention")),  # full width, and in capitals
        ("kv cache", "en", ("question", "kv-cache")),
        ("KV 缓存", "zh", ("question", "kv-cache")),
        ("beam", "en", ("question", "beam-search")),
        ("束搜索", "en", ("question", "beam-search")),  # in the language that is not read
        ("sqrt-dk", "en", ("question", "sqrt-dk")),  # by its name
    ],
)
def test_the_most_relevant_comes_first(search: str, language: Language, first: tuple[str, str]) -> None:
    found = find(ENTRIES, search, language)
    assert (found[0].entry.kind, found[0].entry.name) == first
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_every_word_must_be_said_and_the_hit_is_shown() -> None:
    found = find(ENTRIES, "softmax 饱和", "zh")
    assert {"question", "point", "experiment"} <= {one.entry.kind for one in found}
    for one in found:
        whole = fold("\n".join(text for _, _, text, _ in one.entry._fields))
        assert "softmax" in whole and "饱和" in whole
        assert any(word in fold(one.hit) for word in ("softmax", "饱和")) and "\n" not in one.hit
    assert found[0].entry.kind == "point" and found[0].hit == found[0].entry.title.zh
    assert find(ENTRIES, "softmax zzzz", "zh") == [] and find(ENTRIES, "  ", "zh") == []


def test_where_a_word_stands_counts() -> None:
    def entry(name: str, title: str, *lines: str) -> Entry:
        return Entry("setting", name, Bilingual(title, title), lines=tuple((1.0, Bilingual(x, x)) for x in lines))

    entries = [
        entry("text", "other", "a mask in the text"),
        entry("middle", "unmasked"),
        entry("begins", "the masks"),
        entry("apart", "mask of padding"),
        entry("together", "padding mask"),
    ]
    order = [one.entry.name for one in find(entries, "mask", "en")]
    assert order[-1] == "text" and order.index("begins") < order.index("middle")
    assert [one.entry.name for one in find(entries, "padding mask", "en")] == ["together", "apart"]


def test_a_hit_far_into_a_text_is_cut_out_of_it() -> None:
    text = Bilingual("甲" * 200 + "目标" + "乙" * 200, "x" * 200)
    (found,) = find([Entry("question", "q", Bilingual("题", "q"), lines=((1.0, text),))], "目标", "zh")
    assert "目标" in found.hit and found.hit.startswith("…") and found.hit.endswith("…") and len(found.hit) < 100


@pytest.mark.parametrize("search", ["(", "[check", "\\", "*", "İ", "ß", "a" * 5000, "\x00"])
def test_no_search_breaks_it(search: str) -> None:
    for language in ("zh", "en"):
        for one in find(ENTRIES, search, language):  # type: ignore[arg-type]
            assert one.hit is not None


def test_filters() -> None:
    every = {knob.name: knob.default for knob in FILTERS.knobs}
    assert all(passes(question, set(), every) for question in QUESTIONS)
    bert = [q for q in QUESTIONS if passes(q, {"new"}, {**every, "topic": "bert", "level": "2", "state": "new"})]
    assert bert and all(question.topic == "bert" and question.level == 2 for question in bert)
    assert not any(passes(question, {"due"}, {**every, "state": "flagged"}) for question in QUESTIONS)
