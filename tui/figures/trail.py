"""A run as a path that is walked: the text, its tokens, every traced tensor, and what the model would say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from questions.bilingual import Bilingual, Language, say
from tui.figures.data import Bars, Figure, Heatmap, Label, Tensor, TokenRow, Tokens
from tui.figures.sums import Words, last_name, step_name
from tui.figures.tensor_stats import summary, tensor_stats
from tui.language.tensors import step_label
from tui.text.layout import fit

LIKELIEST = 10  # words whose probability is drawn
TEXT = Bilingual("文本", "text")
TOKENS = Bilingual("词元", "tokens")
# What experiments call an axis of tokens.
ASKING = {"query", "output", "written", "predicted", "token to predict"}
ASKED = {"key", "input", "source", "changed input"}
SAYS = {
    "vocab": Bilingual("下一个词元", "next token"),
    "label": Bilingual("标签", "label"),
}


@dataclass(frozen=True)
class Stop:
    """One place on the path: its name, and the step that it is, or a figure of its own."""

    name: Label
    step: Any = None
    shown: Figure | None = None

    def figure(self, title: str) -> Figure:
        """What is drawn of it; ``title`` says where on the path it stands."""
        if self.shown is not None:
            return self.shown
        step = self.step
        return Tensor(title=title, axes=tuple(step.axes), values=step.value, formula=step.formula, name=step.path)

    def line(self, language: Language) -> str:
        """What it holds, in a line."""
        if self.step is not None:
            return summary(self.step.axes, tensor_stats(self.step.value), language)
        if isinstance(self.shown, Tokens):
            return "  ".join("/".join(strip.tokens) for strip in self.shown.strips)
        if isinstance(self.shown, Bars):
            pairs = zip(self.shown.labels, self.shown.values, strict=True)
            return "  ".join(f"{say(label, language)} {value:.3f}" for label, value in list(pairs)[:4])
        return ""


def stops(steps: Sequence[Any], words: Words, texts: Mapping[Label, str] | None = None) -> list[Stop]:
    """The path of a run.

    ``words`` has for an axis the words for its places (tokens for ``query`` and ``key``, a vocabulary for ``vocab``);
    ``texts`` what was typed, by the name of its knob. What is not known is not a stop.
    """
    if not steps:
        return []
    found: list[Stop] = []
    typed = {label: text for label, text in (texts or {}).items() if text}
    if typed:
        rows = [TokenRow(label, [text]) for label, text in typed.items()]
        found.append(Stop(TEXT, shown=Tokens(TEXT, rows, name="text")))
    strips = {axis: list(words[axis]) for axis in ("query", "key") if words.get(axis)}
    if strips.get("query") == strips.get("key"):
        strips.pop("key", None)
    if strips:
        rows = [TokenRow(axis if len(strips) > 1 else "", tokens) for axis, tokens in strips.items()]
        found.append(Stop(TOKENS, shown=Tokens(TOKENS, rows, name="tokens")))
    found += [Stop(step_label(step_name(step)), step=step) for step in steps]
    return found + outcomes(steps, words)


def outcomes(steps: Sequence[Any], words: Words) -> list[Stop]:
    """The words or labels that the last logits of each kind make likely, where their names are known."""
    found = []
    for axis, name in SAYS.items():
        made = [step for step in steps if last_name(step.path).endswith("logits") and step.axes[-1] == axis]
        if made and len(words.get(axis, ())) == made[-1].value.shape[-1]:
            found.append(Stop(name, shown=_likely(made[-1], words[axis], name)))
    return found


def _likely(step: Any, words: Sequence[str], name: Bilingual) -> Bars:
    """The softmax of the last row of logits, its largest first."""
    row = step.value.reshape(-1, step.value.shape[-1])[-1].astype(float)
    powers = [math.exp(score - float(row.max())) for score in row]
    order = sorted(range(len(powers)), key=lambda at: -powers[at])[:LIKELIEST]
    title = Bilingual(f"{name.zh}：softmax(logits)", f"{name.en}: softmax(logits)")
    return Bars(
        title,
        [words[at] for at in order],
        [powers[at] / sum(powers) for at in order],
        value_label=Bilingual("概率", "probability"),
        name="outcome",
    )


def strip(
    trail: Sequence[Stop], here: int, language: Language, width: int, ellipsis: str = "…"
) -> tuple[str, str, str]:
    """The path around ``here`` in a line of ``width`` cells: what is before, the stop itself, what comes after."""
    names = [last_name(say(stop.name, language)) for stop in trail]
    before, after, middle = "", "", names[here]
    room = width - cell_len(middle) - 2 - 2 * (cell_len(ellipsis) + 1)
    left, right = here - 1, here + 1
    while left >= 0 or right < len(names):
        grown = False
        if left >= 0 and cell_len(before + after + names[left]) + 3 <= room:
            before, left, grown = f"{names[left]} › {before}", left - 1, True
        if right < len(names) and cell_len(before + after + names[right]) + 3 <= room:
            after, right, grown = f"{after} › {names[right]}", right + 1, True
        if not grown:
            break
    before = f"{ellipsis} {before}" if left >= 0 else before
    after = f"{after} {ellipsis}" if right < len(names) else after
    return before, fit(middle, max(width, 1), ellipsis), after


def first_labels(figures: Sequence[Figure]) -> dict[str, Sequence[str]]:
    """The words for the places on the axes ``query`` and ``key``, as the first map of a result has them: where its
    rows and columns are tokens, as the names of its axes tell. ``time`` is that of the queries."""
    maps = [figure for figure in figures if isinstance(figure, Heatmap)]
    if not maps or say(maps[0].row_axis, "en") not in ASKING or say(maps[0].column_axis, "en") not in ASKED:
        return {}
    return {"query": maps[0].rows, "key": maps[0].columns, "time": maps[0].rows}
