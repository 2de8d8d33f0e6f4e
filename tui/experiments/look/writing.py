"""Generation as it happens: what was written, step by step, and what each step could have taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.generation.watching import Moment, watched_generate
from questions.bilingual import Bilingual
from tui.experiments.contract import Report
from tui.experiments.look.figures import best
from tui.experiments.look.subject import Subject
from tui.figures.data import Bars, Curve, Figure, Series, Table, TokenRow, Tokens

CANDIDATES = 8  # of the next token
WORDS = 16  # of what was there before, in a title
SURE = 1e-12  # a probability below this is none


@dataclass(frozen=True)
class Rules:
    """How it is written: by beam search where there are several beams, else drawn, at temperature 0 greedily."""

    temperature: float = 1.0
    top_k: int = 0  # 0 keeps all
    top_p: float = 1.0
    beams: int = 1
    length: int = 24
    seed: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """As ``generate`` takes them."""
        if self.beams > 1:
            return {"num_beams": self.beams, "max_new_tokens": self.length}
        if self.temperature == 0:
            return {"num_beams": 1, "max_new_tokens": self.length}
        drawn = {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        return drawn | ({"top_k": self.top_k} if self.top_k else {}) | {"max_new_tokens": self.length}

    @property
    def said(self) -> Bilingual:
        if self.beams > 1:
            return Bilingual(f"束搜索，{self.beams} 束", f"beam search, {self.beams} beams")
        if self.temperature == 0:
            return Bilingual("贪心", "greedy")
        parts = [f"τ = {self.temperature:g}"]
        parts += [f"top-k = {self.top_k}"] * bool(self.top_k) + [f"top-p = {self.top_p:g}"] * (self.top_p < 1)
        said = "，".join(parts), ", ".join(parts)
        return Bilingual(f"抽样，{said[0]}", f"drawn, {said[1]}")


@dataclass(frozen=True, eq=False, repr=False)
class Written:
    """What was written after a text, and each step of it. ``ids`` are the new tokens alone."""

    subject: Subject
    text: str
    prompt: tuple[str, ...]
    rules: Rules
    ids: np.ndarray
    score: float
    moments: tuple[Moment, ...]
    start: int  # the width of what was there before

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.subject.words(self.ids)

    @property
    def said(self) -> str:
        return self.subject.written(self.ids)

    def row_at(self, step: int) -> int | None:
        """Which of the rows of a moment became the result; None where none of them did (a beam that had ended)."""
        wanted = [*self.moments[step].sequences[0, : self.start].tolist(), *self.ids[:step].tolist()]
        rows = self.moments[step].sequences.tolist()
        return rows.index(wanted) if wanted in rows else None


def write(subject: Subject, text: str, rules: Rules, report: Report) -> Written:
    """Raises ``UsageError`` for an empty text, and what the model says of it."""
    key = (subject, text, rules)
    if key not in _kept:
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = _written(subject, text, rules, report)
    return _kept[key]


_kept: dict[Any, Written] = {}
_MOST_KEPT = 8


def _written(subject: Subject, text: str, rules: Rules, report: Report) -> Written:
    read = subject.read(text)
    with mf.trace(only="", on_step=lambda path: report(0.3, path)):  # so that it can be stopped at every step
        ids, score, moments = watched_generate(subject.model, read.inputs["input_ids"], **rules.options)
    start = int(moments[0].sequences.shape[1])
    return Written(subject, text, read.tokens, rules, ids[start : start + len(moments)], score, tuple(moments), start)


def writing_figures(made: Written, step: int) -> list[Figure]:
    """The moment before token ``step`` (counted from 0), and the whole."""
    step = min(max(step, 0), len(made.ids))
    is_over = step >= len(made.moments)
    found: list[Figure] = [_over(made) if is_over else _chances(made, step), _strips(made, step)]
    found.append(_table_of_next(made, step, is_over))
    if made.rules.beams > 1:
        found.append(_beams(made, min(step, len(made.moments) - 1)))
    return [*found, _every_step(made), _sureness(made)]


def _over(made: Written) -> Bars:
    """In the place of what may follow: nothing does, so each written token with the model's probability."""
    return Bars(
        Bilingual(f"写完了：“{made.said}”；每个词元的概率", f"written: “{made.said}”; the probability of each token"),
        list(made.tokens),
        [_own(made, at) for at in range(len(made.ids))],
        Bilingual("模型的概率", "the model's probability"),
        name="chances",
    )


def _next(made: Written, step: int) -> tuple[Moment, int]:
    row = made.row_at(step)
    return made.moments[step], 0 if row is None else row


def _chances(made: Written, step: int) -> Bars:
    """The likeliest next tokens by the rules, the one that is taken marked."""
    moment, row = _next(made, step)
    ids = best(moment.drawn_from[row], 2 * CANDIDATES)
    chances = [float(moment.drawn_from[row, each]) for each in ids]
    taken = int(made.ids[step]) if step < len(made.ids) else -1
    labels = [f"{word} ✓" if each == taken else word for each, word in zip(ids, made.subject.words(ids), strict=True)]
    kept = [at for at, chance in enumerate(chances) if chance > SURE] or [0]
    before = " ".join([*made.prompt, "▸", *made.tokens[:step]][-WORDS:])
    said = made.rules.said
    return Bars(
        Bilingual(
            f"第 {step} 步，共 {len(made.ids)} 步（{said.zh}）：{before} 的下一个",
            f"step {step} of {len(made.ids)} ({said.en}): what follows {before}",
        ),
        [labels[at] for at in kept],
        [chances[at] for at in kept],
        Bilingual("按规则的概率（✓ 取了）", "probability by the rules (✓ taken)"),
        name="chances",
    )


def _strips(made: Written, step: int) -> Tokens:
    """What is there, what was just taken, and what may come."""
    words, said = made.subject.words, made.rules.said
    strips = [TokenRow(Bilingual("原文", "text"), made.prompt)]
    own = [_own(made, at) for at in range(step)]
    strips.append(
        TokenRow(Bilingual("已写", "written"), made.tokens[:step], own, [f"{100 * each:.0f}" for each in own])
        if step
        else TokenRow(Bilingual("已写", "written"), ())
    )
    if step < len(made.moments):
        moment, row = _next(made, step)
        ids = best(moment.drawn_from[row], CANDIDATES)
        chances = [float(moment.drawn_from[row, each]) for each in ids]
        taken = int(made.ids[step]) if step < len(made.ids) else -1
        marks = [f"{100 * p:.1f}{' ✓' if each == taken else ''}" for each, p in zip(ids, chances, strict=True)]
        strips.append(TokenRow(Bilingual("接下来", "next"), words(ids), chances, marks))
    total = len(made.ids)
    return Tokens(
        Bilingual(
            f"写到第 {step} 步，共 {total} 步（{said.zh}）；词元下面是概率（%），✓ 是取的那个",
            f"written up to step {step} of {total} ({said.en}); below a token its %, ✓ is the one taken",
        ),
        strips,
        name="writing",
    )


def _own(made: Written, at: int) -> float:
    """The model's own probability of a written token."""
    moment, row = _next(made, at)
    return float(moment.own[row, int(made.ids[at])])


def _table_of_next(made: Written, step: int, is_over: bool) -> Table:
    """The likeliest next tokens: the model's own probability, and the one that is drawn from; of the last when over."""
    step = len(made.moments) - 1 if is_over else step
    moment, row = _next(made, step)
    ids = best(moment.own[row], 2 * CANDIDATES)
    taken = int(made.ids[step]) if step < len(made.ids) else -1
    ids += [taken] if taken >= 0 and taken not in ids else []
    rows: list[list[Any]] = []
    total = 0.0
    for number, (token, word) in enumerate(zip(ids, made.subject.words(ids), strict=True), 1):
        own, drawn = float(moment.own[row, token]), float(moment.drawn_from[row, token])
        total += own
        rows.append([number, word, own, total, drawn, "✓" if token == taken else "" if drawn > SURE else "✗"])
    kept = int((moment.drawn_from[row] > SURE).sum())
    return Table(
        Bilingual(
            f"第 {step} 步的下一个词元：从 {kept} 个里取（✓ 取了，✗ 被去掉）",
            f"the next token at step {step}: one of {kept} is taken (✓ taken, ✗ removed)",
        ),
        [
            "#", Bilingual("词元", "token"), Bilingual("模型的概率", "model's probability"),
            Bilingual("累计", "together"), Bilingual("按规则", "by the rules"), "",
        ],
        rows,
        name="next",
    )  # fmt: skip


def _beams(made: Written, step: int) -> Table:
    """Every beam, its log-probability, and the continuations of each; which of these go on."""
    moment = made.moments[step]
    after = {tuple(row) for row in made.moments[step + 1].sequences.tolist()} if step + 1 < len(made.moments) else set()
    rows: list[list[Any]] = []
    seen: set[tuple[int, ...]] = set()
    for at, sequence in enumerate(moment.sequences.tolist()):
        if tuple(sequence) in seen:  # all beams begin alike
            continue
        seen.add(tuple(sequence))
        said = "".join(made.subject.words(sequence[made.start :])) or "–"
        for token in best(moment.own[at], 3):
            log_p = float(moment.log_p[at] + np.log(moment.own[at, token]))
            goes_on = "→" if (*sequence, token) in after else ""
            rows.append([said, float(moment.log_p[at]), made.subject.words([token])[0], log_p, goes_on])
    rows.sort(key=lambda row: -row[3])
    return Table(
        Bilingual(f"第 {step} 步的各束与续写（→ 走下去）", f"beams and continuations at step {step} (→ goes on)"),
        [Bilingual("束", "beam"), "log p", Bilingual("续", "next"), Bilingual("续后 log p", "log p with it"), ""],
        rows,
        name="beams",
    )


def steps_of(made: Written) -> list[Mapping[str, Any]]:
    """Every step in numbers."""
    found: list[Mapping[str, Any]] = []
    for at, token in enumerate(made.ids.tolist()):
        moment, row = _next(made, at)
        own, drawn = moment.own[row], moment.drawn_from[row]
        positive = own[own > 0]
        found.append(
            {
                "step": at,
                "token": made.subject.words([token])[0],
                "id": token,
                "probability": float(own[token]),
                "drawn_from": float(drawn[token]),
                "rank": int((own > own[token]).sum()) + 1,
                "entropy": float(-(positive * np.log2(positive)).sum()),
                "kept": int((drawn > SURE).sum()),
            }
        )
    return found


def _every_step(made: Written) -> Table:
    rows = [
        [each["step"], each["token"], each["probability"], each["rank"], each["entropy"], each["kept"]]
        for each in steps_of(made)
    ]
    return Table(
        Bilingual(f"每一步：写出“{made.said}”", f"every step: “{made.said}”"),
        [
            Bilingual("步", "step"), Bilingual("词元", "token"), Bilingual("模型的概率", "model's probability"),
            Bilingual("排名", "rank"), Bilingual("熵（bit）", "entropy (bits)"), Bilingual("留下几个", "tokens kept"),
        ],
        rows,
        name="steps",
    )  # fmt: skip


def _sureness(made: Written) -> Figure:
    values = steps_of(made)
    places = [float(each["step"]) for each in values]
    if len(values) < 2:
        return Bars(
            Bilingual("每一步有多确定", "how sure each step is"),
            [each["token"] for each in values],
            [each["probability"] for each in values],
            Bilingual("概率", "probability"),
            name="sureness",
        )
    return Curve(
        Bilingual("每一步有多确定", "how sure each step is"),
        Bilingual("步", "step"),
        Bilingual("概率", "probability"),
        [Series(Bilingual("写出的词元", "token written"), places, [each["probability"] for each in values])],
        name="sureness",
        y_ends=(0.0, 1.0),
    )
