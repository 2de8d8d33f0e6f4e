"""Which models can be looked at without naming a folder, and a text for each. Needs no NumPy."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from questions.bilingual import Bilingual, Language
from tui.language.words import table, words

FIRST = ("dates", "bert-mini", "reverse-transformer", "mlm-rate-15")  # what shows most
# By the beginning of a name, the longest first; else by what kind of model it is.
_TEXTS = {
    "dates": Bilingual("二〇二六年十一月二十三日", "Monday, November 23, 2026"),
    "reverse": Bilingual("transformer", "transformer"),
    "bert-mini": Bilingual("床前明[MASK]光，疑是地上霜。", "In the beginning God created the heaven and the [MASK]."),
    "bert-nsp": Bilingual("白日依山尽，黄河入海[MASK]。", "白日依山尽，黄河入海[MASK]。"),
    "bert-sop": Bilingual("白日依山尽，黄河入海[MASK]。", "白日依山尽，黄河入海[MASK]。"),
    "mlm-rate": Bilingual("the old man sat down in the [MASK] .", "the old man sat down in the [MASK] ."),
    "poet": Bilingual("床前明月光，", "床前明月光，"),
    "induction": Bilingual("x7kq9m2ahbx7kq9m2ahb", "x7kq9m2ahbx7kq9m2ahb"),
}
_TEXTS_OF_KINDS = {
    "masked-lm": Bilingual("北京是中国的首[MASK]。", "Paris is the [MASK] of France."),
    "encoder": Bilingual("猫坐在垫子上。", "The cat sat on the mat because it was tired."),
    "decoder": Bilingual("从前有座山", "Once upon a time there was"),
    "encoder-decoder": Bilingual("The house is small.", "The house is small."),
}


@cache
def shipped_names() -> tuple[str, ...]:
    """The models that ship, what shows most first; found beside the library, which is not imported for it."""
    found = importlib.util.find_spec("mlxformer")
    places: Sequence[str] = [] if found is None else list(found.submodule_search_locations or [])
    names = {card.parent.name for place in places for card in Path(place).glob("pretrained/shipped/*/card.json")}
    return tuple(sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)))


def about(name: str, language: Language) -> str:
    """A shipped model in few words."""
    known = f"about-{name}" in table("look")
    return words(f"look.about-{name}" if known else "look.about-other", language)


def text_for(name: str, kind: str) -> Bilingual:
    """What is looked at before anybody has typed."""
    fitting = [beginning for beginning in _TEXTS if name.startswith(beginning) and name in shipped_names()]
    return _TEXTS[max(fitting, key=len)] if fitting else _TEXTS_OF_KINDS[kind]
