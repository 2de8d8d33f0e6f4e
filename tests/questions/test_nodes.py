"""YAML to nodes: what is refused, where, and what is saved of a file that is broken in one place."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from questions import nodes
from questions.nodes import MAX_BYTES, MAX_DEPTH, Node, compose_items, decode

Found = list[tuple[str, int, int]]


@pytest.fixture(params=["C", "Python"], autouse=True)
def loader(request, monkeypatch):
    """The events are the same from libyaml and from PyYAML's own parser."""
    if request.param == "Python":
        monkeypatch.setattr(nodes, "LOADER", yaml.SafeLoader)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML was built without libyaml")


def compose(text: str | bytes) -> tuple[list[Node], Found]:
    found: Found = []

    def report(code: str, message: str, line: int, column: int, **fields: object) -> None:
        found.append((code, line + 1, column + 1))

    decoded = decode(text if isinstance(text, bytes) else text.encode(), report)
    return (compose_items(decoded, report) if decoded is not None else []), found


def plain(node: Node) -> object:
    if node.kind == "scalar":
        return node.value
    if node.kind == "list":
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.entries}


def test_every_scalar_stays_what_was_typed():
    items, found = compose("- {a: no, b: on, c: 12:30, d: 2026-11-23, e: 007, f: ~, g: 1e3, h: Yes}")
    assert found == []
    assert plain(items[0]) == {
        "a": "no",
        "b": "on",
        "c": "12:30",
        "d": "2026-11-23",
        "e": "007",
        "f": "~",
        "g": "1e3",
        "h": "Yes",
    }


def test_nodes_know_where_they_stand():
    items, _ = compose("# a remark\n- id: x\n  answer: 值\n")
    answer = items[0].get("answer")
    assert answer is not None and answer.start == (2, 10)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_changes_nothing(mark):
    items, found = compose(mark + b"- id: x\n  k: v\n")
    assert found == [] and items[0].entries[0][0].start == (0, 2)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(end):
    items, found = compose(end.join(["- id: x", "- id: y", ""]))
    assert found == [] and items[1].start == (1, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a: *x\n", ("alias", 1, 6)),
        ("- a: &x 1\n", ("anchor", 1, 6)),
        ("- &x {a: 1}\n", ("anchor", 1, 3)),
        ("- a: !!python/object:os.system 1\n", ("tag", 1, 6)),
        ("- !t {a: 1}\n", ("tag", 1, 3)),
        ("- a: 1\n  b: 2\n  a: 3\n", ("duplicate-key", 3, 3)),
        ("- ? [a]\n  : 1\n", ("key-not-text", 1, 5)),
        ("- a: 1\n\tb: 2\n", ("tab", 2, 1)),
        ("-\ta: 1\n\tb: 2\n", ("tab", 1, 2)),
        ("- a: 'x\n", ("not-yaml", 2, 1)),
        ("- a: b: c\n", ("not-yaml", 1, 7)),
        ("- a\n---\n- b\n", ("many-documents", 3, 1)),
        ("a: 1\n", ("not-a-list", 1, 1)),
        ("text\n", ("not-a-list", 1, 1)),
        ("", ("empty-file", 1, 1)),
        ("# only a remark\n", ("empty-file", 1, 1)),
        ("- a: x\x00y\n", ("control-character", 1, 7)),
        ("- a: x\u2028y\n", ("control-character", 1, 7)),
    ],
)
def test_what_is_refused_is_named_with_its_place(text, expected):
    assert compose(text)[1] == [expected]


def test_not_utf_8_is_said_with_its_place():
    assert compose(b"- a: 1\n- b: \xff\n")[1] == [("not-utf-8", 2, 6)]
    assert compose("- a: 1\n".encode("utf-16"))[1] == [("not-utf-8", 1, 1)]


def test_a_file_that_is_too_large_is_not_parsed():
    assert compose(b"#" * (MAX_BYTES + 1))[1] == [("file-too-large", 1, 1)]


def test_a_file_of_the_largest_size_is_read(monkeypatch):
    monkeypatch.setattr(nodes, "MAX_BYTES", 20)
    assert compose(b"- a\n" + b"#" * 16)[1] == []
    assert compose(b"- a\n" + b"#" * 17)[1] == [("file-too-large", 1, 1)]


def test_nesting_is_bounded_before_it_can_exhaust_the_stack():
    levels = MAX_DEPTH - 1  # the list of items is the first
    assert compose("- " + "[" * levels + "]" * levels)[1] == []
    assert [code for code, *_ in compose("- " + "[" * (levels + 1) + "]" * (levels + 1))[1]] == ["too-deep"]
    assert [code for code, *_ in compose("- " + "{a: " * 400 + "}" * 400 + "\n- ok\n")[1]] == ["too-deep"]


def test_a_bad_item_hides_no_other():
    items, found = compose("- id: a\n- id: 'b\n- id: c\n- id: *d\n- id: e\n")
    assert [item.get("id").value for item in items if not item.broken] == ["a", "c", "e"]
    assert found == [("not-yaml", 3, 1), ("alias", 4, 7)]


def test_each_problem_is_reported_once_when_items_are_read_one_by_one():
    _, found = compose("- a: &x 1\n- b: 'y\n")
    assert found == [("anchor", 1, 6), ("not-yaml", 3, 1)]


@given(st.text(max_size=200))
def test_no_text_raises(text):
    compose(text.encode("utf-8", "surrogatepass"))


@given(st.text(alphabet="-[]{}:,#&*!|>'\"%@` \n\tab", max_size=60))
def test_no_punctuation_raises(text):
    compose(text)
