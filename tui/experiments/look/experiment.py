"""A model as an experiment: its knobs, whose number of layers and heads only the opened model tells, and its views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from questions.bilingual import Bilingual
from tui.experiments.contract import Choice, Drawn, Experiment, Knob, Report, Result
from tui.experiments.look import figures
from tui.experiments.look.figures import PARTS, Shown
from tui.experiments.look.names import text_for
from tui.experiments.look.off import find_attention, parse_off, require_head
from tui.experiments.look.passes import Pass, head_effects, passed
from tui.experiments.look.subject import Subject, open_subject
from tui.experiments.look.writing import Rules, Written, write, writing_figures
from tui.experiments.shared.knobs import SEED
from tui.figures.data import Figure
from tui.language.usage import UsageError

DRAWN = tuple(
    Drawn(name, Bilingual(zh, en), Bilingual("模型自己的权重，现在跑的", "the model's own weights, run now"))
    for name, zh, en in (
        ("head", "连线", "lines"), ("heads", "所有头", "heads"), ("model", "一览", "model"),
        ("neurons", "q ⊙ k", "q ⊙ k"), ("pair", "一对", "pair"), ("prediction", "预测", "prediction"),
        ("lens", "各层预测", "lens"), ("lens-curve", "逐层形成", "layers"), ("off", "关掉之后", "off"),
        ("rewritten", "重写", "rewritten"), ("difference", "差", "difference"), ("both", "两段", "both"),
        ("chances", "概率", "chances"), ("writing", "写出", "written"), ("next", "下一个", "next"),
        ("beams", "束", "beams"), ("steps", "各步", "each step"), ("sureness", "把握", "sureness"),
    )
)  # fmt: skip
LONGEST = 2000  # characters of a text
AUTO = -1  # a place that the model's kind chooses


@dataclass(frozen=True)
class Looked:
    """What a run looked at: the pass, what of it is shown, and what it is compared with."""

    seen: Pass
    shown: Shown | None  # None where the model has no attention
    place: int
    whole: Pass | None = None  # with nothing switched off, where something is
    other: Pass | None = None  # of the second text
    effects: np.ndarray | None = None


@dataclass(frozen=True)
class Looking(Experiment):
    """The inside of a model on a text."""

    subject: Subject | None = field(default=None, compare=False)

    def run(
        self, settings: Mapping[str, object] | None = None, report: Report | None = None, *, hidden: bool = False
    ) -> Result:
        looked = self.look(settings or {}, report or (lambda fraction, text: None))
        return Result([self._named(figure) for figure in self.figures_of(looked)], (), looked.seen.steps)

    @staticmethod
    def figures_of(looked: Looked) -> list[Figure]:
        """Every view, the telling one first."""
        seen, shown = looked.seen, looked.shown
        made = [] if shown is None else figures.attention_figures(seen, shown, looked.effects)
        made += figures.prediction_figures(seen, looked.place)
        if looked.whole is not None:
            made += figures.off_figures(looked.whole, seen, looked.place)
        if looked.other is not None and shown is not None:
            made += figures.compared_figures(seen, looked.other, shown)
        return made

    def look(self, settings: Mapping[str, object], report: Report) -> Looked:
        """Run the model. Raises ``UsageError`` for a layer, head or text that cannot be."""
        subject = self.subject
        assert subject is not None
        knobs = self.parse(settings)
        attention, part = None, str(knobs.get("part", subject.parts[0] if subject.parts else ""))
        if subject.parts:
            attention = find_attention(subject, part, int(knobs["layer"]))
            require_head(attention, int(knobs["head"]))
        offs = parse_off(str(knobs.get("off", "")), subject, part)
        text = str(knobs["text"])
        seen = passed(subject, text, offs, attention, report)
        whole = passed(subject, text, (), attention, report) if offs else None
        asked = int(knobs["token"])
        place = _place(seen, asked)
        shown = None if attention is None else _shown(seen, attention, int(knobs["head"]), asked, int(knobs["key"]))
        report(0.8, "")
        effects = None if offs else head_effects(seen, None if asked == AUTO and seen.written else place)
        other_text = str(knobs["other"])
        other = passed(subject, other_text, offs, attention, report) if other_text.strip() else None
        return Looked(seen, shown, place, whole, other, effects)


@dataclass(frozen=True)
class Writing(Experiment):
    """A model while it writes."""

    subject: Subject | None = field(default=None, compare=False)

    def run(
        self, settings: Mapping[str, object] | None = None, report: Report | None = None, *, hidden: bool = False
    ) -> Result:
        made = self.write(settings or {}, report or (lambda fraction, text: None))
        figures = writing_figures(made, int(self.parse(settings or {})["step"]))
        return Result([self._named(figure) for figure in figures], ())

    def write(self, settings: Mapping[str, object], report: Report) -> Written:
        """Let the model write. Raises ``UsageError`` for a text that cannot be."""
        assert self.subject is not None
        knobs: dict[str, Any] = self.parse(settings)
        rules = Rules(**{name: knobs[name] for name in ("temperature", "top_k", "top_p", "beams", "length", "seed")})
        return write(self.subject, str(knobs["text"]), rules, report)


def looking(name: str) -> Looking:
    """The views of a model. Raises ``UsageError`` where there is no such model, and what its folder's reader says."""
    subject = open_subject(name)
    knobs: list[Knob] = [_text_knob(subject), _OTHER]
    if subject.parts:
        layer, head = subject.best_head
        if len(subject.parts) > 1:
            choices = [Choice(part, PARTS[part]) for part in subject.parts]
            knobs.append(
                Knob("part", Bilingual("哪种注意力", "attention"), "choice", subject.parts[0], choices=choices)
            )
        layers = max(each.layer for each in subject.attentions)
        heads = max(each.heads for each in subject.attentions) - 1
        knobs += [
            Knob("layer", Bilingual("层", "layer"), "number", layer, maximum=layers, help=_FROM_ZERO),
            Knob("head", Bilingual("头", "head"), "number", head, maximum=heads, help=_FROM_ZERO),
        ]
    knobs += [_TOKEN, _KEY, _OFF] if subject.parts else [_TOKEN]
    return Looking(
        name=f"look-{name}",
        title=Bilingual(f"{name}：看进模型里", f"{name}: inside the model"),
        summary=Bilingual("层、头、预测、开关", "layers, heads, predictions, switches"),
        knobs=tuple(knobs),
        checks=(),
        figures=DRAWN,
        subject=subject,
    )


def writing(name: str) -> Writing:
    """Generation by a model. Raises as ``looking``, and ``UsageError`` where the model does not write."""
    subject = open_subject(name)
    if not subject.writes:
        raise UsageError("look-writes-not", model=name)
    return Writing(
        name=f"write-{name}",
        title=Bilingual(f"{name}：逐个词元生成", f"{name}: token by token"),
        summary=Bilingual("温度、top-k、top-p、束", "temperature, top-k, top-p, beams"),
        knobs=(
            _text_knob(subject),
            Knob("step", Bilingual("第几步", "step"), "number", 0, maximum=64,
                 help=Bilingual("< 和 > 走一步。", "< and > take a step.")),
            Knob("temperature", Bilingual("温度 τ", "temperature"), "number", 1.0, maximum=3.0, step=0.1,
                 least=Bilingual("贪心", "greedy"),
                 help=Bilingual("0 是贪心：总取最可能的。", "0 is greedy: the likeliest is taken.")),
            Knob("top_k", "top-k", "number", 0, maximum=50, least=Bilingual("全部", "all"),
                 help=Bilingual("0 是全都留下。", "0 keeps all.")),
            Knob("top_p", "top-p", "number", 1.0, minimum=0.05, maximum=1.0, step=0.05),
            Knob("beams", Bilingual("束", "beams"), "number", 1, minimum=1, maximum=8,
                 help=Bilingual("多于 1 束就是束搜索，不抽样。", "Several beams search; nothing is drawn.")),
            Knob("length", Bilingual("最多几个", "at most"), "number", 24, minimum=1, maximum=64),
            SEED,
        ),
        checks=(),
        figures=DRAWN,
        subject=subject,
    )  # fmt: skip


def _text_knob(subject: Subject) -> Knob:
    text = text_for(subject.name, subject.kind)
    return Knob("text", Bilingual("文字", "text"), "text", text.say("zh"), max_length=LONGEST, english=text.say("en"))


_FROM_ZERO = Bilingual("从 0 数起。", "Counted from 0.")
_OTHER = Knob("other", Bilingual("第二段", "second text"), "text", "", max_length=LONGEST,
              help=Bilingual("写一段来比较。", "Type one to compare."))  # fmt: skip
_TOKEN = Knob("token", Bilingual("词元", "token"), "number", AUTO, minimum=AUTO, maximum=LONGEST,
              least=Bilingual("自动", "auto"),
              help=Bilingual("看第几个词元（从 0 数）：它的查询、它那里的预测；−1 自动选。",
                             "Which token (from 0): its query, its prediction; -1 chooses."))  # fmt: skip
_KEY = Knob("key", Bilingual("键", "key"), "number", AUTO, minimum=AUTO, maximum=LONGEST,
            least=Bilingual("最大", "largest"),
            help=Bilingual("q ⊙ k 里是第几个键；−1 是权重最大的那个。",
                           "Which key in q ⊙ k; -1: that of the largest weight."))  # fmt: skip
_OFF = Knob("off", Bilingual("关掉", "off"), "text", "", max_length=200,
            help=Bilingual("1.0 是第 1 层第 0 个头，1 是整层；可以写几个，空格隔开。",
                           "1.0 is head 0 of layer 1, 1 the layer; several, with blanks between."))  # fmt: skip


def _place(seen: Pass, asked: int) -> int:
    return seen.place if asked == AUTO else min(asked, len(seen.rows) - 1)


def _shown(seen: Pass, attention: Any, head: int, asked: int, key: int) -> Shown:
    rows, columns = seen.labels(attention)
    query = min(_place(seen, asked), len(rows) - 1)
    weights = seen.maps[attention.name]["weights"][head, query]
    return Shown(attention, head, query, int(weights.argmax()) if key == AUTO else min(key, len(columns) - 1))
