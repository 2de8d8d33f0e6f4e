"""The JSON Schema of a question file, for editors. ``python -m questions.schema > questions/schema.json`` renews it.

It is made from the declarations that the loader reads by (``questions.item``). What a schema cannot say, the loader
does: that an id stands once, that a check exists, that no number is bare.
"""

from __future__ import annotations

import json

from questions.item import ITEM
from questions.shapes import Schema
from questions.task import CODE


def schema() -> Schema:
    """The schema of a user's file; the shipped bank is held to more (both languages, every part)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tformer-quiz questions",
        "type": "array",
        "minItems": 1,
        "items": {
            "if": {"properties": {"kind": {"const": "code"}}, "required": ["kind"]},
            "then": CODE.schema(),
            "else": ITEM.schema(),
        },
    }


def schema_text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
