"""How much longer a ``tokenizer.json`` can make a text, so that one from a stranger is refused before it is tried.

Seven replacements of one letter by twenty make 20⁷ letters of it: a file of 1 KB that takes all memory.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

MOST = 4096  # times as long; XLM-R's is 198, most are below 20
LONGEST_AFFIX = 64  # characters put before or after each piece of a word
_ONE_LETTER = re.compile(r"\[(?:[^\[\]\\]|\\.)+\]")  # a class of letters and nothing behind it


def require_bounded(content: Mapping[str, Any]) -> None:
    """Refuse a tokenizer that makes texts longer without bound, and a character map that its library panics of.

    What is no tokenizer at all is left to the library to say.

    Args:
        content: of a ``tokenizer.json``.

    Raises:
        ValueError: it makes a text more than ``MOST`` times as long, puts more than ``LONGEST_AFFIX`` characters to
            each piece, or its precompiled map is cut short.

    >>> from mlxformer.tokenization.growth import require_bounded
    >>> twenty = {"type": "Replace", "pattern": {"String": "l"}, "content": "l" * 20}
    >>> require_bounded({"normalizer": {"type": "Sequence", "normalizers": [twenty] * 2}})
    >>> require_bounded({"normalizer": {"type": "Sequence", "normalizers": [twenty] * 7}})
    Traceback (most recent call last):
    ValueError: it can make a text more than 4,096 times as long
    """
    for parts in (("normalizer", "pre_tokenizer", "post_processor"), ("decoder",)):
        if _growth([content.get(part) for part in parts]) > MOST:
            raise ValueError(f"it can make a text more than {MOST:,} times as long")
    model = content.get("model")
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        affix = model.get(name) if isinstance(model, dict) else None
        if isinstance(affix, str) and len(affix) > LONGEST_AFFIX:
            raise ValueError(f"{name} may have {LONGEST_AFFIX} characters; it has {len(affix):,}")


def _growth(part: Any) -> int:
    """By what factor this part can make a text longer, at most; no more is counted than ``MOST`` + 1."""
    if isinstance(part, list):
        factor = 1
        for each in part:
            factor = min(factor * _growth(each), MOST + 1)
        return factor
    if not isinstance(part, dict):
        return 1
    kind = part.get("type")
    if kind == "Sequence":
        return _growth([value for value in part.values() if isinstance(value, list)])
    if kind == "Replace":
        pattern = part.get("pattern")
        return _replacing(pattern if isinstance(pattern, dict) else {}, _length(part.get("content")))
    if kind == "Prepend":
        return 1 + _length(part.get("prepend"))
    if kind == "ByteLevel":
        return 2  # each byte that is no ASCII becomes a letter of two
    if kind == "Precompiled":
        return _longest_of_map(part.get("precompiled_charsmap"))
    if kind == "TemplateProcessing":
        return max(1, *(_pieces(part.get(name), part.get("special_tokens")) for name in ("single", "pair")))
    return 1


def _replacing(pattern: Mapping[str, Any], longer: int) -> int:
    replaced, expression = pattern.get("String"), pattern.get("Regex")
    if isinstance(expression, str) and _ONE_LETTER.fullmatch(expression):
        return max(1, longer)
    if isinstance(replaced, str) and replaced:
        return max(1, -(-longer // len(replaced)))
    return 1 + longer  # an expression may fit the empty text between any two letters


def _length(text: Any) -> int:
    return len(text) if isinstance(text, str) else 0


def _pieces(template: Any, special: Any) -> int:
    """How many ids and texts a template puts in a row."""
    if not isinstance(template, list):
        return 1
    ids = {name: len(token["ids"]) for name, token in special.items()} if isinstance(special, dict) else {}
    names = [piece["SpecialToken"]["id"] if "SpecialToken" in piece else None for piece in template]
    return sum(ids.get(name, 1) for name in names)


def _longest_of_map(encoded: Any) -> int:
    """The longest text in SentencePiece's map: the bytes of its trie, the trie, and texts that each end with a 0."""
    if not isinstance(encoded, str):
        return 1
    data = base64.b64decode(encoded, validate=True)
    size = int.from_bytes(data[:4], "little")
    if len(data) < 4 or size % 4 or 4 + size > len(data):
        raise ValueError(f"its precompiled_charsmap of {len(data):,} bytes is cut short")
    return max(1, *(len(text) for text in data[4 + size :].split(b"\0")))
