"""The shapes that parts of a question file can have. Each reads a node, writes plain data, and gives its JSON Schema.

An item is declared once from these shapes (``questions.item``); what the loader takes and what an editor is told
therefore cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from questions.bilingual import LANGUAGES, Bilingual
from questions.errors import hint, quoted
from questions.nodes import Node
from questions.reading import BROKEN, Broken, Reading

Schema = dict[str, Any]
_LANGUAGE_NAMES = {"zh": "in Chinese", "en": "in English"}
_NULL = {"", "~", "null", "Null", "NULL"}
MAX_TEXT = 20_000  # characters
# What a terminal would obey ("\e[2J" in a quoted text) and what turns the direction of reading or ends lines unseen.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e007f]"
)


class Shape(Protocol):
    """A part of a question file."""

    def read(self, node: Node, key: str, reading: Reading) -> Any:
        """The part as plain data or as an object of ``questions.model``; BROKEN, after a report, where it is wrong."""
        ...

    def write(self, part: Any) -> Any:
        """The part as it stands in YAML or JSON."""
        ...

    def schema(self) -> Schema: ...


def is_plain(node: Node, key: str, reading: Reading) -> bool:
    """Whether a scalar has neither control characters nor more characters than a text may have."""
    control = _CONTROL.search(node.value)
    if control:
        name = f"U+{ord(control.group()):04X}"
        message = f"the control character {name} may not stand in a text; delete it"
        reading.problem("control-character", message, node, key, character=name)
    elif len(node.value) > MAX_TEXT:
        message = f"a text has at most {MAX_TEXT:,} characters, not {len(node.value):,}; shorten or split it"
        reading.problem("text-too-long", message, node, key, limit=MAX_TEXT, count=len(node.value))
    return not control and len(node.value) <= MAX_TEXT


_A_TEXT = Bilingual("一段文字", "a text")


@dataclass(frozen=True)
class Text:
    """A text, whatever it looks like: ``no`` and ``12:30`` are words. Prose is looked through for bare numbers."""

    prose: bool = True
    pattern: str = ""
    wanted: Bilingual = _A_TEXT

    def read(self, node: Node, key: str, reading: Reading) -> str | Broken:
        if node.broken:
            return BROKEN
        if node.kind != "scalar":
            message = f"here stands {self.wanted.en}, not a {node.kind}"
            reading.problem("not-a-text", message, node, key, wanted=self.wanted)
            return BROKEN
        text = node.value.strip()
        if not text or (node.plain and text in _NULL):
            cure = "write it, or leave the key out where it may be missing; the word null wants quotes"
            reading.problem("empty", f"{self.wanted.en} is missing here; {cure}", node, key, wanted=self.wanted)
            return BROKEN
        if not is_plain(node, key, reading):
            return BROKEN
        if self.pattern and not re.fullmatch(self.pattern, text):
            message = f"{quoted(text)} is not {self.wanted.en}"
            reading.problem("malformed", message, node, key, written=text, wanted=self.wanted)
            return BROKEN
        if self.prose:
            reading.texts.append((key, node))
        return text

    def write(self, part: str) -> str:
        return part

    def schema(self) -> Schema:
        if self.pattern:
            return {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return {"type": ["string", "number", "boolean"], "pattern": r"\S"}


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    def read(self, node: Node, key: str, reading: Reading) -> int | Broken:
        if node.broken:
            return BROKEN
        if node.plain and re.fullmatch(r"[0-9]{1,9}", node.value) and self.least <= int(node.value) <= self.most:
            return int(node.value)
        message = f"here stands a whole number from {self.least} to {self.most}, not {_shown(node)}"
        reading.problem("not-a-whole-number", message, node, key, least=self.least, most=self.most)
        return BROKEN

    def write(self, part: int) -> int:
        return part

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    choices: tuple[str, ...]

    def read(self, node: Node, key: str, reading: Reading) -> str | Broken:
        if node.broken:
            return BROKEN
        if node.kind == "scalar" and node.value in self.choices:
            return node.value
        near = hint(node.value, self.choices) if node.kind == "scalar" else ""
        message = f"here stands {' or '.join(self.choices)}, not {_shown(node)}{near}"
        reading.problem("not-a-choice", message, node, key, known=list(self.choices), written=node.value)
        return BROKEN

    def write(self, part: str) -> str:
        return part

    def schema(self) -> Schema:
        return {"enum": list(self.choices)}


@dataclass(frozen=True)
class Many:
    """A list, read to a tuple. ``bare``: one element may stand without the brackets."""

    element: Shape
    least: int = 1
    most: int = 50
    least_complete: int = 0  # in the shipped bank
    bare: bool = False

    def read(self, node: Node, key: str, reading: Reading) -> tuple[Any, ...] | Broken:
        if node.kind != "list":
            if self.bare:
                one = self.element.read(node, key, reading)
                return BROKEN if isinstance(one, Broken) else (one,)
            if not node.broken:
                message = f"here stands a list, not {_shown(node)}; begin each line of it with '- '"
                reading.problem("not-a-list", message, node, key)
            return BROKEN
        parts = tuple(self.element.read(child, f"{key}[{index}]", reading) for index, child in enumerate(node.items))
        least = max(self.least, self.least_complete) if reading.complete else self.least
        if not least <= len(node.items) <= self.most and not node.broken:
            message = f"here stand {least} to {self.most}, not {len(node.items)}"
            reading.problem("count", message, node, key, least=least, most=self.most, count=len(node.items))
            return BROKEN
        return BROKEN if node.broken or any(isinstance(part, Broken) for part in parts) else parts

    def write(self, part: Sequence[Any]) -> Any:
        written = [self.element.write(element) for element in part]
        return written[0] if self.bare and len(written) == 1 else written

    def schema(self) -> Schema:
        element = self.element.schema()
        many = {"type": "array", "items": element, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [element, many]} if self.bare else many


Need = Literal["always", "shipped", "never"]


@dataclass(frozen=True)
class Field:
    """A key of a record. ``attribute`` is its name in Python where that differs: ``with`` is taken there."""

    key: str
    shape: Shape
    need: Need
    help: str
    attribute: str = ""

    @property
    def name(self) -> str:
        return self.attribute or self.key


@dataclass(frozen=True)
class Record:
    """A map with known keys. ``bilingual``: it holds ``zh`` and ``en`` itself, which become its ``text``.

    ``prose``: that text is one of the bank, in which no number stands without what holds it.
    """

    what: str
    build: Callable[..., Any]
    fields: tuple[Field, ...] = ()
    bilingual: bool = False
    prose: bool = True
    by_key: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = Text(prose=self.prose)
        texts = [Field(language, text, "shipped", f"The text, {name}.") for language, name in _LANGUAGE_NAMES.items()]
        every = (*texts, *self.fields) if self.bilingual else self.fields
        object.__setattr__(self, "by_key", {each.key: each for each in every})

    def read(self, node: Node, key: str, reading: Reading) -> Any:
        fields = self.by_key
        if node.kind != "map":
            if not node.broken:
                message = f"{self.what} is a map with the keys {', '.join(fields)}, not {_shown(node)}"
                reading.problem("not-a-map", message, node, key, what=self.what, keys=list(fields))
            return BROKEN
        sound = not node.broken
        for name, _ in node.entries:
            if name.value not in fields:
                message = f"{self.what} has no key {quoted(name.value)}{hint(name.value, fields)}"
                known = list(fields)
                reading.problem("unknown-key", message, name, _under(key, name.value), name=name.value, known=known)
                sound = False
        parts: dict[str, Any] = {}
        for each in fields.values():
            child = node.get(each.key)
            if child is not None:
                part = each.shape.read(child, _under(key, each.key), reading)
                sound = sound and not isinstance(part, Broken)
                parts[each.name] = part
            elif (each.need == "always" or (each.need == "shipped" and reading.complete)) and not node.broken:
                message = f"{self.what} needs the key {each.key!r}: {each.help[0].lower()}{each.help[1:]}"
                reading.problem("missing-key", message, node, key, name=each.key)
                sound = False
        if self.bilingual and not (node.get("zh") or node.get("en")) and not reading.complete and not node.broken:
            reading.problem("missing-language", f"{self.what} needs a text: 'zh', 'en' or both", node, key)
            sound = False
        return self._built(parts) if sound else BROKEN

    def _built(self, parts: dict[str, Any]) -> Any:
        if self.bilingual:
            text = Bilingual(parts.pop("zh", None), parts.pop("en", None))
            return text if self.build is Bilingual else self.build(text=text, **parts)
        return self.build(**parts)

    def write(self, part: Any) -> dict[str, Any]:
        written: dict[str, Any] = {}
        if self.bilingual:
            text: Bilingual = part if self.build is Bilingual else part.text
            written = {language: getattr(text, language) for language in LANGUAGES if not text.missing(language)}
        for each in self.fields:
            value = getattr(part, each.name)
            if value is not None and (each.need == "always" or (value != () and value != {})):
                written[each.key] = each.shape.write(value)
        return written

    def schema(self) -> Schema:
        properties = {each.key: {"description": each.help, **each.shape.schema()} for each in self.by_key.values()}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        needed = [each.key for each in self.by_key.values() if each.need == "always"]
        if needed:
            schema["required"] = needed
        if self.bilingual:
            schema["anyOf"] = [{"required": [language]} for language in LANGUAGES]
        return schema


@dataclass(frozen=True)
class Keyed:
    """A map from a few known keys, in their order, to parts of one shape: the choices a to d."""

    what: str
    keys: tuple[str, ...]
    least: int
    element: Shape

    def read(self, node: Node, key: str, reading: Reading) -> dict[str, Any] | Broken:
        if node.kind != "map":
            if not node.broken:
                message = f"{self.what} are a map with the keys {', '.join(self.keys)}, not {_shown(node)}"
                reading.problem("not-a-map", message, node, key, what=self.what, keys=list(self.keys))
            return BROKEN
        names = [name.value for name, _ in node.entries]
        parts = {name.value: self.element.read(child, _under(key, name.value), reading) for name, child in node.entries}
        if node.broken:
            return BROKEN
        if len(names) < self.least or sorted(names) != list(self.keys[: len(names)]):
            wanted = " or ".join(", ".join(self.keys[:count]) for count in range(self.least, len(self.keys) + 1))
            message = f"{self.what} have the keys {wanted}, not {quoted(', '.join(names))}"
            reading.problem("keys", message, node, key, known=list(self.keys), given=names)
            return BROKEN
        sound = not any(isinstance(part, Broken) for part in parts.values())
        return {name: parts[name] for name in sorted(parts)} if sound else BROKEN

    def write(self, part: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.element.write(value) for name, value in part.items()}

    def schema(self) -> Schema:
        one_by_one = {self.keys[count]: [self.keys[count - 1]] for count in range(1, len(self.keys))}
        return {
            "type": "object",
            "properties": {name: self.element.schema() for name in self.keys},
            "additionalProperties": False,
            "minProperties": self.least,
            "required": list(self.keys[: self.least]),
            "dependentRequired": one_by_one,
        }


@dataclass(frozen=True)
class Either:
    """One of two shapes, told apart by ``first_if``."""

    first: Shape
    second: Shape
    first_if: Callable[[Node], bool]
    is_first: Callable[[Any], bool]

    def read(self, node: Node, key: str, reading: Reading) -> Any:
        return (self.first if self.first_if(node) else self.second).read(node, key, reading)

    def write(self, part: Any) -> Any:
        return (self.first if self.is_first(part) else self.second).write(part)

    def schema(self) -> Schema:
        return {"anyOf": [self.first.schema(), self.second.schema()]}


BILINGUAL = Record("a text in two languages", Bilingual, bilingual=True)


def _under(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _shown(node: Node) -> str:
    return f"the text {quoted(node.value)}" if node.kind == "scalar" else f"a {node.kind}"
