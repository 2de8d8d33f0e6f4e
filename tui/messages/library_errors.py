"""The errors that ``mlxformer`` raises, in Chinese, by code. Their English is what they say themselves."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

_CHINESE: Mapping[str, str] = {}

TABLE: Mapping[str, Bilingual] = {code: Bilingual(zh, None) for code, zh in _CHINESE.items()}
