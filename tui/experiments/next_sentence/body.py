"""Asks the NSP head about three kinds of pairs, and about one that is typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.next_sentence.declaration import EXPERIMENT
from tui.experiments.next_sentence.pairs import ARMS, LONGEST, TWINS, Pair, accuracies, follows, pairs, reader, share
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Figure, Table

NAMES = {
    "next": Bilingual("真正的下一句", "the true next"),
    "swapped": Bilingual("两句对调", "the two swapped"),
    "random": Bilingual("同文体别处的一句", "one of elsewhere"),
}
TASKS = {"nsp": Bilingual("判是否别处", "stranger or not"), "sop": Bilingual("判先后", "order")}
ORDER_SHOWS = Bilingual("经文的先后在字面上有线索，见另一项。", "In verses order leaves traces: see the other check.")
GUESSING = 50.0
NO_PAIR = Bilingual("要有两句话。", "Two sentences are needed.")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    first, second, seed = str(knobs["first"]), str(knobs["second"]), int(knobs["seed"])
    if not first.strip() or not second.strip():
        return EXPERIMENT.nothing_to_run(NO_PAIR)
    held_out = bool(knobs["held_out"])
    texts = knobs["texts"]
    shown = pairs(texts, held_out, seed)
    shares, told = {}, {}
    for arm in ARMS:
        report(0.3, arm)
        shares[arm], told[arm] = (share(texts, held_out, each, seed) for each in (arm, _instead(arm, knobs)))
    report(0.6, "verse")
    verses = [share("verse", held_out, arm, seed) for arm in ("next", "next" if knobs["verse_is_next"] else "swapped")]
    with traced(report, 0.9) as steps:
        batch = reader().tokenizer([first], [second], max_length=LONGEST)
        reader().model(**batch)
    report(0.95, "twins")
    asked = reversed(TWINS) if knobs["exchanged"] else TWINS
    twins = {twin: dict(zip(TASKS, accuracies(other), strict=True)) for twin, other in zip(TWINS, asked, strict=True)}
    figures: list[Figure] = [_twins(twins), _bars(shares, knobs, len(shown["next"])), _table(first, second, shown)]
    checks = [*_checks(told, (verses[0], verses[1]), knobs["texts"] == "verse"), _bags(shown, knobs)]
    ahead = {task: twins["bert-nsp"][task] - twins["bert-sop"][task] for task in TASKS}
    checks += [
        EXPERIMENT.measured("swapped-negatives-teach-order", -ahead["sop"], 5.0),
        EXPERIMENT.measured("strangers-teach-strangers", ahead["nsp"], 10.0),
        EXPERIMENT.measured("nsp-twin-tells-order", twins["bert-nsp"]["sop"], GUESSING + 15.0),
    ]
    tokens = reader().tokenizer.tokens(batch["input_ids"])[0]
    words = {"query": tokens, "key": tokens, "time": tokens, "label": ["IsNext", "NotNext"]}
    return Result(figures, checks, tuple(steps), words)


def _instead(arm: str, knobs: Mapping[str, Any]) -> str:
    """The arm that a falsifier puts in another's place."""
    replaced = (arm == "next" and knobs["next_is_random"]) or (arm == "swapped" and knobs["swapped_is_random"])
    return "random" if replaced else arm


def _checks(shares: Mapping[str, float], verses: tuple[float, float], is_verse: bool) -> list[Check]:
    measured = EXPERIMENT.measured
    return [
        measured("next-is-told-from-strangers", shares["next"] - shares["random"], 5.0),
        EXPERIMENT.undefined("swapped-passes", ORDER_SHOWS)
        if is_verse
        else measured("swapped-passes", shares["swapped"], shares["next"] - 15.0),
        measured("verses-tell-order", verses[0] - verses[1], 15.0),
    ]


def _bags(found: Mapping[str, Sequence[Pair]], knobs: Mapping[str, Any]) -> Check:
    swapped = found["random" if knobs["half_swapped"] else "swapped"]
    differ = 0
    for (a, b), (c, d) in zip(found["next"], swapped, strict=True):
        before, after = Counter(a + b), Counter(c + d)
        differ += (before - after).total() + (after - before).total()
    return EXPERIMENT.measured("swapping-keeps-the-words", float(differ), 0.0)


def _bars(shares: Mapping[str, float], knobs: Mapping[str, Any], count: int) -> Bars:
    label = next(choice.label for knob in EXPERIMENT.knobs if knob.name == "texts" for choice in knob.choices
                 if choice.value == knobs["texts"])  # fmt: skip
    assert isinstance(label, Bilingual)
    seen = Bilingual("没训练过的", "held out") if knobs["held_out"] else Bilingual("训练过的", "of training")
    return Bars(
        Bilingual(
            f"判“接得上”的 %（{seen.zh}{label.zh}，各 {count} 对）",
            f"% said to follow ({label.en}, {seen.en}, {count} pairs each)",
        ),
        [NAMES[arm] for arm in ARMS],
        [shares[arm] for arm in ARMS],
        value_label=Bilingual("判为“接得上” %", "said to follow, %"),
        reference=(GUESSING, Bilingual("一半", "a half")),
        name="follows",
    )


def _twins(of: Mapping[str, Mapping[str, float]]) -> Bars:
    return Bars(
        Bilingual("孪生模型，没训练过的唐诗：猜对的 %", "twins on held-out Tang poems: % right"),
        [Bilingual(f"{twin}：{task.zh}", f"{twin}: {task.en}") for twin in of for task in TASKS.values()],
        [of[twin][task] for twin in of for task in TASKS],
        value_label=Bilingual("准确率 %", "accuracy, %"),
        reference=(GUESSING, Bilingual("乱猜", "guessing")),
        name="twins",
    )


def _table(first: str, second: str, found: Mapping[str, Sequence[Pair]]) -> Table:
    typed = [(first, second), (second, first), (first, found["random"][0][1])]
    rows: list[list[Any]] = [
        [NAMES[arm], *_cut(pair), float(follows([pair])[0])] for arm, pair in zip(ARMS, typed, strict=True)
    ]
    return Table(
        Bilingual("输入的两句，对调，换掉 B", "The two sentences typed, swapped, and with another B"),
        ["", "A", "B", Bilingual("P(接得上)", "P(follows)")],
        rows,
        name="typed",
    )


def _cut(pair: Pair) -> list[str]:
    return [text if len(text) <= 16 else text[:15] + "…" for text in pair]
