"""How a typed sentence becomes tokens where no trained tokenizer is at work (the weights are random)."""

from __future__ import annotations

import re

from questions.bilingual import Bilingual

NO_TOKENS = Bilingual(
    "句子里还没有词元：请至少输入一个字或一个词。",
    "The sentence has no token yet: type at least one character or word.",
)

# Scripts written without spaces: Han with its radicals and punctuation, kana, bopomofo, full-width forms. What follows
# a character to change its look (a variation selector, a voicing mark) belongs to it.
_CHARACTER = (
    "[\u2e80-\u2fdf\u3001-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uffef"
    "\U00020000-\U0003ffff]"
)
_ATTACHED = "[\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef]"
_TOKEN = re.compile(rf"{_CHARACTER}{_ATTACHED}*|(?:(?!{_CHARACTER})\S)+")


def split(sentence: str) -> list[str]:
    """The tokens: each Chinese or Japanese character, and whatever else stands between spaces.

    What has nothing to show (zero-width and control characters alone) is no token.
    """
    return [token for token in _TOKEN.findall(sentence) if any(character.isprintable() for character in token)]
