"""Writes a quatrain by draft and target, and compares what comes out with what the target alone would write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.sampling import SamplingRules, sampling_probabilities
from mlxformer.generation.speculative import Scores, acceptance, residual, speculate, verify
from mlxformer.pretrained.poems.forms import FORMS
from mlxformer.pretrained.poems.vocabulary import PoemTokenizer
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.speculative.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Series, Table

DRAWS, TEXTS = 1500, 4
AHEADS = (1, 2, 3, 4, 6, 8)
SHOWN = 6  # likeliest tokens of the bars
BEGINNING, DRAFTS = "白日依山尽", ("poet-small", "poet")  # as declared
KEPT = 60  # texts whose logits are kept, half a megabyte each


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    ahead, seed = int(knobs["ahead"]), int(knobs["seed"])
    sampling = SamplingRules(temperature=float(knobs["temperature"]))
    poet = _reader("poet")
    try:
        start = _start(str(knobs["beginning"]))
    except ArgumentError as error:
        reason = Bilingual("开头只能是五言诗里的字，例如 白日依山尽", f"{error}")
        return EXPERIMENT.nothing_to_run(reason)
    if len(start) > FORMS["五绝"].length:
        return EXPERIMENT.nothing_to_run(
            Bilingual("诗已经写完了，没有词元可写", "the poem is whole: there is no token to write")
        )
    given, name = str(knobs["beginning"]), "uniform" if knobs["uniform"] else str(knobs["draft"])
    written = np.array(_alone(given), np.int32)  # the beginning and what the target makes of it
    first = len(start) - 1
    p, q = (sampling_probabilities(_scores(each)(written)[first:-1], sampling) for each in ("poet", name))  # [T, V]
    place = int(np.argmin(acceptance(p, q)))
    report(0.4, "draws")
    found = _drawn(given, name, sampling.temperature, seed, bool(knobs["keep_all"]), places=(p[place], q[place]))
    checks = [
        EXPERIMENT.measured("output-is-p", _exact(p, q, bool(knobs["from_p"])), 0.0, 1e-9),
        *_against(found, p[place], q[place]),
        EXPERIMENT.measured("greedy-is-greedy", _greedy(given, name, ahead, bool(knobs["keep_all"])), 0.0),
    ]
    report(0.6, "texts")
    per_pass = _per_pass(given, name, ahead, float(knobs["temperature"]), seed)
    beta = float(acceptance(p, q).mean())
    checks.append(EXPERIMENT.measured("tokens-per-pass", per_pass, 1.25))
    figures: list[Figure] = [
        _curve(per_pass, beta, ahead, str(knobs["draft"])),
        _bars(p[place], q[place], str(poet.tokenizer.decode(written[: first + place + 1]))),
        _places(p, q, written[first + 1 :]),
    ]  # fmt: skip
    return Result(figures, checks)


@cache
def _reader(name: str) -> Any:
    return mf.load_pretrained(name)


@cache
def _scores(name: str) -> Scores:
    """Logits after each token of a poem; one that was read before is not read again."""
    if name == "uniform":
        return lambda text: np.zeros((len(text), _reader("poet").tokenizer.vocab_size))
    model = _reader(name).model
    known: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def scores(text: np.ndarray) -> np.ndarray:
        ids = np.asarray(text, np.int32)
        key = ids.tobytes()
        if key not in known:
            known[key] = to_numpy(model(mx.array(ids[None])))[0]
            if len(known) > KEPT:
                known.popitem(last=False)
        return known[key]

    return scores


def _start(beginning: str) -> np.ndarray:
    return np.array(_reader("poet").prompt(beginning, "五绝"), np.int32)


@kept(apart=True, beforehand=[(BEGINNING,)])
def _alone(beginning: str) -> tuple[int, ...]:
    """The beginning, and the target's greedy text after it."""
    ids = tuple(_start(beginning).tolist())
    while len(ids) < FORMS["五绝"].length + 2 and ids[-1] != PoemTokenizer.end_id:
        ids = (*ids, int(_scores("poet")(np.array(ids, np.int32))[-1].argmax()))
    return ids


def _exact(p: np.ndarray, q: np.ndarray, from_p: bool) -> float:
    """Total variation distance of q · min(1, p/q) + (1 − β) · residual, every case added up, from p."""
    kept = q * np.minimum(1.0, p / np.maximum(q, 1e-300))
    out = kept + (1.0 - acceptance(p, q)[:, None]) * (p if from_p else residual(p, q))
    return float(0.5 * np.abs(out - p).sum(-1).max())


@kept(apart=True)
def _drawn(
    beginning: str, draft: str, temperature: float, seed: int, keep_all: bool, *, places: tuple[np.ndarray, np.ndarray]
) -> tuple[int, np.ndarray]:
    """``DRAWS`` proposals judged at one place: how many were kept, and how often each token came out first.

    ``places``: p and q there, which follow from the rest.
    """
    (p, q), generator = places, np.random.default_rng(seed)
    proposals = generator.choice(len(q), size=DRAWS, p=q / q.sum())
    counts, kept = np.zeros(len(p)), 0
    both, one = np.stack([p, p]), q[None]
    for token in proposals:
        if keep_all:
            new, stays = np.array([token]), 1
        else:
            new, stays = verify(both, one, np.array([token]), generator)
        kept += stays
        counts[new[0]] += 1
    return kept, counts / DRAWS


def _against(found: tuple[int, Any], p: np.ndarray, q: np.ndarray) -> list[Check]:
    kept, frequencies = found
    distance = 0.5 * float(np.abs(p - q).sum())
    spread = 100.0 * 4 * float(np.sqrt(max(distance * (1 - distance), 0.0) / DRAWS))  # four standard deviations
    # A frequency is off by √(p (1 − p) / N), in the mean by 0.8 of that; twice the sum leaves room for chance.
    chance = float(np.sqrt(np.maximum(p * (1 - p), 0.0) / DRAWS).sum())
    checks = [EXPERIMENT.measured("kept-share", 100.0 * kept / DRAWS, 100.0 * (1 - distance), spread + 1e-6)]
    drawn = EXPERIMENT.measured("drawn-as-p", 0.5 * float(np.abs(frequencies - p).sum()), chance, 1e-9)
    return [*checks, drawn]


@kept(apart=True, beforehand=[(BEGINNING, draft, ahead, False) for draft in DRAFTS for ahead in range(1, 9)])
def _greedy(beginning: str, draft: str, ahead: int, keep_all: bool) -> float:
    """With the likeliest token alone (top-k = 1): how many tokens of the text are not the target's own."""
    judge, written = _scores(draft if keep_all else "poet"), np.array(_alone(beginning), np.int32)
    start = _start(beginning)
    found = speculate(
        judge, _scores(draft), written[: len(start)], ahead=ahead, max_new_tokens=len(written) - len(start),
        sampling=SamplingRules(top_k=1), generator=np.random.default_rng(0),
    )  # fmt: skip
    return float((found.tokens != written[len(start) :]).sum())


@kept(apart=True, beforehand=[
    (BEGINNING, draft, ahead, temperature, 0) for draft in DRAFTS for ahead in range(1, 9)
    for temperature in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
] + [(BEGINNING, DRAFTS[0], 4, 1.0, seed) for seed in SEEDS_BEFOREHAND[1:]])  # fmt: skip
def _per_pass(beginning: str, draft: str, ahead: int, temperature: float, seed: int) -> float:
    """How many tokens a pass of the target writes."""
    sampling, start = SamplingRules(temperature=temperature), _start(beginning)
    generator, tokens, runs = np.random.default_rng([seed, ahead]), 0, 0
    for _ in range(TEXTS):
        found = speculate(
            _scores("poet"), _scores(draft), start, ahead=ahead, sampling=sampling, generator=generator,
            max_new_tokens=FORMS["五绝"].length + 2 - len(start), eos_id=PoemTokenizer.end_id,
        )  # fmt: skip
        tokens, runs = tokens + len(found.tokens), runs + found.runs
    return tokens / runs


def expected_tokens(beta: float, ahead: int) -> float:
    """(1 − β^(γ+1)) / (1 − β): the mean tokens a pass, were every token kept with β alone (Leviathan et al., Eq. 1)."""
    return float(ahead + 1) if beta >= 1 else (1 - beta ** (ahead + 1)) / (1 - beta)


def _cost(draft: str) -> float:
    """c: what a pass of the draft takes over one of the target, counted in parameters: all are read in each."""
    sizes = [_reader(name).card.parameters for name in (draft, "poet")]
    return float(sizes[0] / sizes[1])


def _curve(per_pass: float, beta: float, ahead: int, draft: str) -> Curve:
    cost = _cost(draft)
    x = [float(each) for each in AHEADS]
    return Curve(
        Bilingual(f"大模型每跑一遍写出几个词元：按公式，和实测的 {per_pass:.2f}（平均接受率 {beta:.2f}）",
                  f"Tokens for each pass of the target: by formula, and {per_pass:.2f} measured (mean β {beta:.2f})"),
        Bilingual("先写几个 γ", "tokens ahead γ"),
        Bilingual("词元/遍", "tokens a pass"),
        [
            Series(f"β = {beta:.2f}", x, [expected_tokens(beta, each) for each in AHEADS]),
            Series(Bilingual(f"扣掉草稿的开销（c = {cost:.2f}）", f"less the draft's cost (c = {cost:.2f})"), x,
                   [expected_tokens(beta, each) / (each * cost + 1) for each in AHEADS]),
            Series(Bilingual("实测", "measured"), [float(ahead)], [per_pass]),
            Series(Bilingual("不投机", "plain decoding"), x, [1.0] * len(x)),
        ],
        marks=((float(ahead), "γ"),),
        name="tokens-per-pass",
    )  # fmt: skip


def _bars(p: np.ndarray, q: np.ndarray, before: str) -> Bars:
    """Of the likeliest tokens: p and q side by side, at the place where they differ most."""
    tokens = _reader("poet").tokenizer.tokens
    order = np.argsort(-(p + q))[:SHOWN]
    labels, values = [], []
    for token in order:
        for name, each in (("p", p), ("q", q)):
            labels.append(f"{tokens[token]} {name}")
            values.append(100.0 * float(each[token]))
    return Bars(
        Bilingual(f"分歧最大的位置（“{before}”之后）：大模型的 p 和草稿的 q",
                  f"Where they differ most (after “{before}”): the target's p and the draft's q"),
        labels=labels,
        values=values,
        value_label=Bilingual("概率 %", "probability, %"),
        name="distributions",
    )  # fmt: skip


def _places(p: np.ndarray, q: np.ndarray, written: np.ndarray) -> Table:
    tokens = _reader("poet").tokenizer.tokens
    distances = 0.5 * np.abs(p - q).sum(-1)
    return Table(
        Bilingual("各位置的接受率，和 1 − 总变差", "Acceptance at each place, and 1 − total variation distance"),
        columns=[Bilingual("词元", "token"), "Σ min(p, q)", Bilingual("1 − 总变差", "1 − distance")],
        rows=[[tokens[token], float(kept), 1 - float(distance)]
              for token, kept, distance in zip(written, acceptance(p, q), distances, strict=True)],
        name="places",
    )  # fmt: skip
