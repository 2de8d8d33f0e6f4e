"""The knobs that several experiments have, so that they read and behave alike everywhere."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import Knob

# A sentence of so many characters is at most so many tokens: a map of 200 x 200 is still turned at once.
MAX_CHARACTERS = 200

SEEDS_BEFOREHAND = range(10)  # those for which what is slow is measured beforehand
SEED = Knob(
    "seed",
    Bilingual("随机种子", "random seed"),
    "number",
    default=0,
    minimum=0,
    maximum=9999,
    help=Bilingual(
        "权重和数据都由它决定：同一个种子总得到同样的数。",
        "Draws the weights and the data: one seed always gives the same numbers.",
    ),
)


# Of every date some way to write it that the models of dates were trained to read.
DATES = ("2026年11月23日", "二〇二六年十一月二十三日", "Monday, November 23, 2026", "20261123", "1931年9月18号")
SENTENCES = (
    "床前明月光疑是地上霜",
    "小猫没过马路因为它太累了",
    "the animal did not cross the street because it was too tired",
    "the the the the",
)
CAT, CAT_IN_ENGLISH = "我看见猫在追老鼠", "I see the cat chasing a small mouse"


def sentence_knob(default: str = CAT, english: str = CAT_IN_ENGLISH) -> Knob:
    """A typed sentence; ``tui.experiments.shared.sentence.split`` makes its tokens."""
    return Knob(
        "sentence",
        Bilingual("句子", "sentence"),
        "text",
        default=default,
        max_length=MAX_CHARACTERS,
        help=Bilingual(
            f"中文按字、其他文字按空格切成词元；最多 {MAX_CHARACTERS} 个字符。",
            f"Chinese is split by character, other scripts at spaces; at most {MAX_CHARACTERS} characters.",
        ),
        english=english,
        presets=SENTENCES,
    )


def hidden_switch(name: str, zh: str, en: str) -> Knob:
    """What a falsifier does to one arm, and nobody else can: off, unless a check's ``fails_when`` turns it on.

    zh, en: what the arm then does in place of what its claim is about.
    """
    return Knob(name, Bilingual(zh, en), "switch", default=False)
