"""YAML text to nodes that know their line and column.

The events come from PyYAML's C parser (its own one where that is not built); the nodes are built here, so that no tag
is ever resolved (``no``, ``on`` and ``12:30`` stay what was typed), nothing can refer to anything else, nesting is
bounded before it can exhaust the stack, and a duplicate key is seen.

What is wrong is reported, not raised, and the node it stands in is marked ``broken``: the rest of the file is read.
Where the text is not YAML at all, its top-level items are read one by one, so that a stray quote spoils one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from questions.errors import UNSHOWN, quoted

MAX_BYTES = 2_000_000
MAX_DEPTH = 64
MAX_NODES = 50_000  # of a file: the whole shipped bank has fewer
MAX_ENTRIES = 200  # of a map
MAX_ITEMS_SAVED = 1000  # of a file that is not YAML as a whole: each is parsed by itself
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Report = Callable[..., None]  # report(code, message, line, column, **fields), both counted from 0
Place = tuple[int, int]  # line and column, both from 0

_ITEM_START = re.compile(r"^-(?=[ \t]|$)", re.MULTILINE)
_INDENTING_TAB = re.compile(r"[ -]*\t")
# What YAML allows, and so what may stand in a file: https://yaml.org/spec/1.2.2/#51-character-set
# less the line ends that editors and YAML count differently, so that a line number means one thing.
_NOT_TEXT = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# JSON writes a character beyond the first plane as two escapes; YAML as one.
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


@dataclass(slots=True)
class Node:
    """A piece of YAML: a ``scalar`` (``value``), a ``list`` (``items``) or a ``map`` (``entries``)."""

    kind: Literal["scalar", "list", "map"]
    start: Place
    end: Place
    value: str = ""
    plain: bool = False  # a scalar without quotes
    items: Sequence[Node] = ()
    entries: Sequence[tuple[Node, Node]] = ()
    broken: bool = False  # something within has been reported

    def get(self, key: str) -> Node | None:
        """The value under ``key`` of a map."""
        return next((value for name, value in self.entries if name.value == key), None)


def decode(data: bytes, report: Report) -> str | None:
    """The text of a file: UTF-8, with or without a byte-order mark. None, after a report, where it is not that."""
    if len(data) > MAX_BYTES:
        report("file-too-large", f"the file is larger than {MAX_BYTES:,} bytes; split it", 0, 0, limit=MAX_BYTES)
        return None
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        found = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else f"0x{data[error.start]:02x}"
        message = f"the file is not UTF-8 ({found}); save it as UTF-8"
        report("not-utf-8", message, *_place(before, len(before)), found=found)
        return None
    if "\\u" in text:  # which most texts lack, and the pattern is slow to see
        text = _PAIR.sub(_whole, text)
    stray = _NOT_TEXT.search(text)
    if stray:
        name = f"U+{ord(stray.group()):04X}"
        report(
            "control-character",
            f"the character {name} may not stand in a file; delete it",
            *_place(text, stray.start()),
            character=name,
        )
        return None
    return text


def _whole(pair: re.Match[str]) -> str:
    code = 0x10000 + ((int(pair[2], 16) - 0xD800) << 10) + int(pair[3], 16) - 0xDC00
    return f"{pair[1]}\\U{code:08X}"


class _TooMany(Exception):
    """A file has more nodes than are read."""


@dataclass
class _Budget:
    """The nodes that a file may still have."""

    left: int = MAX_NODES

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooMany


def compose_items(text: str, report: Report) -> list[Node]:
    """The items of the top-level list of ``text``. Reports whatever is wrong, and gives what could be read."""
    found: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    try:
        try:
            documents = list(_documents(text, lambda *place, **fields: found.append((place, fields)), _Budget()))
        except yaml.MarkedYAMLError as error:
            return _compose_one_by_one(text, error, report, _Budget())
    except _TooMany:
        message = f"the file has more than {MAX_NODES:,} texts, lists and maps; split it"
        report("too-many-nodes", message, 0, 0, limit=MAX_NODES)
        return []
    for place, fields in found:
        report(*place, **fields)
    if not documents:
        report("empty-file", "there is no question in the file; begin one with '- id:'", 0, 0)
        return []
    for extra in documents[1:]:
        report("many-documents", "a file holds one list of questions; delete the '---' before this", *extra.start)
    top = documents[0]
    if top.kind == "list":
        return list(top.items)
    if not top.broken:
        report(
            "not-a-list",
            "a file is a list of questions; begin each with '- id:' and indent what belongs to it",
            *top.start,
        )
    return []


def _compose_one_by_one(text: str, error: yaml.MarkedYAMLError, report: Report, budget: _Budget) -> list[Node]:
    """What can be saved of a text that is not YAML: every ``- `` at the left margin begins an item."""
    starts = [match.start() for match in _ITEM_START.finditer(text)]
    if not starts or len(starts) > MAX_ITEMS_SAVED:
        _report_syntax(text, error, 0, report)
        return []
    items: list[Node] = []
    line = text.count("\n", 0, starts[0])
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:stop]
        try:
            for document in _documents(part, report, budget, line):
                items += document.items
        except yaml.MarkedYAMLError as part_error:
            _report_syntax(part, part_error, line, report)
        line += part.count("\n")
    return items


def _report_syntax(text: str, error: yaml.MarkedYAMLError, first_line: int, report: Report) -> None:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    written = lines[line] if line < len(lines) else ""
    tab = _INDENTING_TAB.match(written)
    if tab:
        report("tab", "a tab indents this line; YAML wants spaces", first_line + line, tab.end() - 1)
        return
    problem = " ".join(part for part in (error.context, error.problem) if part)
    if "escape" in problem or "hexdecimal" in problem:
        message = f"this escape is none that YAML knows: {problem}; write the character itself, or \\u with four digits"
        report("not-an-escape", message, first_line + line, column, problem=problem)
        return
    cure = "a text wants quotes that holds ': ' or ' #', or begins with one of [ { } ] , & * # ? | - > ! % @ ` \" '"
    report("not-yaml", f"this is not YAML: {problem}; {cure}", first_line + line, column, problem=problem)


def _documents(text: str, report: Report, budget: _Budget, first_line: int = 0) -> Iterator[Node]:
    builder = _Builder(report, first_line, budget)
    loader = LOADER(text)
    try:
        while loader.check_event():
            root = builder.take(loader.get_event())
            if root is not None:
                yield root
    finally:
        loader.dispose()


class _Builder:
    """Builds nodes from events with a stack of its own, so that depth costs a comparison and not a recursion."""

    def __init__(self, report: Report, first_line: int, budget: _Budget) -> None:
        self.report = report
        self.budget = budget
        self.first_line = first_line
        self.open: list[tuple[Node, list[Node]]] = []  # the lists and maps not yet closed, and their children so far
        self.too_deep = 0  # how many levels beyond the limit are open

    def take(self, event: yaml.Event) -> Node | None:
        """Take one event; gives the root when it is complete. Raises ``_TooMany``."""
        if isinstance(event, yaml.NodeEvent):
            self.budget.spend()
        if isinstance(event, yaml.NodeEvent) and not isinstance(event, yaml.CollectionStartEvent):
            return None if self.too_deep else self._attach(self._leaf(event))
        if isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, "list" if isinstance(event, yaml.SequenceStartEvent) else "map")
        elif isinstance(event, yaml.CollectionEndEvent):
            return self._finish(event)
        return None

    def _place(self, mark: Any) -> Place:
        return self.first_line + mark.line, mark.column

    def _begin(self, event: yaml.CollectionStartEvent, kind: Literal["list", "map"]) -> None:
        if self.too_deep or len(self.open) == MAX_DEPTH:
            if not self.too_deep:
                message = f"this is nested more than {MAX_DEPTH} levels deep"
                self.report("too-deep", message, *self._place(event.start_mark), limit=MAX_DEPTH)
                self.open[-1][0].broken = True
            self.too_deep += 1
            return
        node = Node(kind, self._place(event.start_mark), self._place(event.end_mark))
        self._refuse_properties(event, node)
        self.open.append((node, []))

    def _finish(self, event: yaml.CollectionEndEvent) -> Node | None:
        if self.too_deep:
            self.too_deep -= 1
            return None
        node, children = self.open.pop()
        node.end = self._place(event.end_mark)
        node.broken = node.broken or any(child.broken for child in children)
        if node.kind == "list":
            node.items = children
        elif len(children) % 2 == 0:  # odd only where a key or value was too deep, which has been reported
            self._pair(node, children)
        return self._attach(node)

    def _pair(self, node: Node, children: list[Node]) -> None:
        first: dict[str, Node] = {}
        entries: list[tuple[Node, Node]] = []
        if len(children) > 2 * MAX_ENTRIES:
            message = f"here stand {len(children) // 2:,} keys, more than the {MAX_ENTRIES} that are read"
            self.report("too-many-entries", message, *node.start, count=len(children) // 2, limit=MAX_ENTRIES)
            node.broken = True
            del children[2 * MAX_ENTRIES :]
        for key, value in zip(children[::2], children[1::2], strict=True):
            if key.kind != "scalar":
                self.report("key-not-text", "a key is one word, not a list or a map", *key.start)
                node.broken = True
            elif unseen := UNSHOWN.search(key.value):
                name = f"U+{ord(unseen[0]):04X}"
                message = f"the character {name} may not stand in a key; delete it"
                self.report("control-character", message, *key.start, character=name)
                node.broken = True
            elif key.value in first:
                line = first[key.value].start[0] + 1
                message = f"the key {quoted(key.value)} stands here twice, first in line {line}; delete one"
                self.report("duplicate-key", message, *key.start, name=key.value, first_line=line)
                node.broken = True
            else:
                first[key.value] = key
                entries.append((key, value))
        node.entries = entries

    def _leaf(self, event: yaml.NodeEvent) -> Node:
        start, end = self._place(event.start_mark), self._place(event.end_mark)
        if isinstance(event, yaml.ScalarEvent):
            node = Node("scalar", start, end, event.value, plain=bool(event.implicit[0]) and event.style in (None, ""))
            self._refuse_properties(event, node)
            return node
        message = f"the alias '*{event.anchor}' is refused: write the text out; a text that begins with * wants quotes"
        self.report("alias", message, *start, name=event.anchor)
        return Node("scalar", start, end, broken=True)

    def _refuse_properties(self, event: yaml.NodeEvent, node: Node) -> None:
        if event.anchor is not None:
            message = f"the anchor '&{event.anchor}' is refused; a text that begins with & wants quotes"
            self.report("anchor", message, *node.start, name=event.anchor)
            node.broken = True
        tag = getattr(event, "tag", None)
        if tag is not None:
            message = f"the tag {quoted(tag)} is refused; a text that begins with ! wants quotes"
            self.report("tag", message, *node.start, name=tag)
            node.broken = True

    def _attach(self, node: Node) -> Node | None:
        if not self.open:
            return node
        self.open[-1][1].append(node)
        return None


def _place(text: str, offset: int) -> Place:
    line = text.count("\n", 0, offset)
    return line, offset - (text.rfind("\n", 0, offset) + 1)
