"""Fills [MASK] at three places under two masks, and counts what the model is made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.pretrained.masked.samples import Kind
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.encoder_half.declaration import EXPERIMENT
from tui.experiments.encoder_half.filling import (
    PLACES,
    Gaps,
    drawn,
    gaps,
    hidden,
    ids_of,
    logits,
    mean_cost,
    reader,
    words_of,
)
from tui.experiments.shared.kept import kept
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Figure, Heatmap, Stage, Table

NAMES = {"first": Bilingual("头", "first"), "middle": Bilingual("中", "middle"), "last": Bilingual("尾", "last")}
NO_WORDS = Bilingual("句子里没有可以遮住的字或词。", "The sentence has no word or character to mask.")
BASE = 109_482_240
LONGEST = 40


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    text, seed = str(knobs["sentence"]), int(knobs["seed"])
    ids = ids_of(text)[:LONGEST] if text.strip() else np.zeros(0, np.int32)
    if len(ids) < 3 or not words_of(ids):
        return EXPERIMENT.nothing_to_run(NO_WORDS)
    report(0.1, "idioms")
    excess = _excess("idioms", knobs)
    report(0.4, knobs["texts"])
    chosen = _excess(knobs["texts"], knobs)
    report(0.7, "idioms")
    checks = [*_counted(knobs), _blind(seed, knobs), *_context(excess, knobs)]
    table = _guesses(text)
    with traced(report, 0.9) as steps:
        found = gaps([ids], str(knobs["position"]))
        hidden(found.rows, causal=knobs["mask"] == "causal")
    figures: list[Figure] = [table, _bars(chosen, knobs), _influence(found, str(knobs["mask"]), report)]
    return Result(figures, checks, tuple(steps))


def _excess(kind: Kind, knobs: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """For each place the mean cost both ways and under the causal mask."""
    causal, seed = not knobs["causal_is_open"], int(knobs["seed"])
    found = {}
    for place in PLACES:
        where = "last" if place == "first" and knobs["first_is_last"] else place
        found[place] = mean_cost(kind, seed, where, False), mean_cost(kind, seed, where, causal)
    return found


def _context(excess: Mapping[str, tuple[float, float]], knobs: Mapping[str, Any]) -> list[Check]:
    first, last = (excess[place][1] - excess[place][0] for place in ("first", "last"))
    return [
        EXPERIMENT.measured("right-context-helps", first, 1.0),
        EXPERIMENT.measured("last-place-suffers-less", first - last, 0.5),
    ]


def _blind(seed: int, knobs: Mapping[str, Any]) -> Check:
    return EXPERIMENT.measured("causal-is-blind-to-the-right", _apart(seed, not knobs["causal_is_open"]), 0.0)


@kept()
def _apart(seed: int, causal: bool) -> float:
    """The largest difference of predictions of the first character, of idioms that differ after it.

    All of the idioms are of one length, so what is not seen comes out bit for bit alike."""
    texts = drawn("idioms", seed)
    same = [ids for ids in texts if len(ids) == len(texts[0])]
    predictions = [to_numpy(mx.softmax(logits(gaps([ids], "first"), causal=causal), axis=-1)) for ids in same[:6]]
    return max(float(np.abs(each - predictions[0]).max()) for each in predictions)


def _counted(knobs: Mapping[str, Any]) -> list[Check]:
    model, config = reader().model, reader().model.config
    if knobs["decoder"]:
        model = mf.Decoder(config.num_hidden_layers, config.hidden_size, config.num_attention_heads, 64)
    named: list[Any] = list(tree_flatten(model.parameters()))
    return [
        EXPERIMENT.measured("no-cross-attention", float(sum("cross" in path for path, _ in named)), 0.0),
        EXPERIMENT.measured("parameters-by-formula", float(sum(value.size for _, value in named)), formula(config)),
        EXPERIMENT.measured("base-parameters", float(base(bool(knobs["large"]))), float(BASE)),
    ]


@cache
def base(large: bool) -> int:
    """The parameters of BERT-base or -large, told by their modules."""
    if not large:
        return mf.count_parameters(mf.BertConfig())
    return mf.count_parameters(
        mf.BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
    )


def formula(config: Any) -> float:
    """Embeddings, layers, pooler and both heads, with the output matrix tied to the word embeddings."""
    v, h, f = config.vocab_size, config.hidden_size, config.intermediate_size
    embeddings = (v + config.max_position_embeddings + config.type_vocab_size) * h + 2 * h
    layer = 4 * (h * h + h) + (h * f + f) + (f * h + h) + 2 * 2 * h
    heads = (h * h + h) + 2 * h + v + (2 * h + 2)
    return float(embeddings + config.num_hidden_layers * layer + (h * h + h) + heads)


@kept()
def _guesses(text: str) -> Table:
    tokenizer, ids = reader().tokenizer, ids_of(text)[:LONGEST]
    rows: list[list[Any]] = []
    for place in PLACES:
        found = gaps([ids], place)
        answer = tokenizer.tokens(found.answers)[0]
        for causal in (False, True):
            scores = np.array(to_numpy(logits(found, causal=causal))[0], np.float64)
            cost = float(np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[found.answers[0]])
            scores[: tokenizer.mask_id + 1] = -np.inf
            top = " ".join(tokenizer.tokens(np.argsort(-scores, kind="stable")[:5]))
            mask = Bilingual("因果", "causal") if causal else Bilingual("双向", "both ways")
            rows.append([NAMES[place], answer, mask, top, cost])
    return Table(
        Bilingual("[MASK] 放在头、中、尾，各猜什么", "What is guessed for [MASK] first, in the middle, last"),
        [Bilingual("位置", "place"), Bilingual("原字", "was"), Bilingual("掩码", "mask"),
         Bilingual("前五名", "top five"), "−log p"],
        rows,
        name="guesses",
    )  # fmt: skip


def _bars(excess: Mapping[str, tuple[float, float]], knobs: Mapping[str, Any]) -> Bars:
    texts = next(choice.label for knob in EXPERIMENT.knobs if knob.name == "texts" for choice in knob.choices
                 if choice.value == knobs["texts"])  # fmt: skip
    assert isinstance(texts, Bilingual)
    labels, values = [], []
    for place in PLACES:
        for mask, cost in zip(
            (Bilingual("双向", "both ways"), Bilingual("因果", "causal")), excess[place], strict=True
        ):
            labels.append(Bilingual(f"{NAMES[place].zh}，{mask.zh}", f"{NAMES[place].en}, {mask.en}"))
            values.append(cost)
    return Bars(
        Bilingual(f"正确答案的 −log p，24 句{texts.zh}的平均", f"−log p of the right answer, mean of 24 {texts.en}"),
        labels,
        values,
        value_label="nats",
        name="costs",
    )


def _influence(found: Gaps, mask: str, report: Report) -> Heatmap:
    """How far each output moves when one input is masked (or, where [MASK] stands, given its word back)."""
    tokens = reader().tokenizer.tokens(found.rows[0])
    with mf.trace(on_step=lambda path: report(0.95, path), only=""):
        before = to_numpy(hidden(found.rows, causal=mask == "causal"))[0]
        columns = []
        for place in range(found.rows.shape[1]):
            changed = found.rows.copy()
            changed[0, place] = found.answers[0] if place == found.places[0] else reader().tokenizer.mask_id
            after = to_numpy(hidden(changed, causal=mask == "causal"))[0]
            columns.append(np.linalg.norm(after - before, axis=-1) / np.linalg.norm(before, axis=-1))
    changes = np.stack(columns, axis=1)
    return Heatmap(
        Bilingual("遮住一个输入，每个输出变多少", "One input masked: change of every output"),
        [
            Stage("change", Bilingual("相对变化", "relative change"), changes[None]),
            Stage("moved", Bilingual("有没有变", "moved or not"), (changes > 0)[None], "mask"),
        ],
        rows=tokens,
        columns=tokens,
        row_axis=Bilingual("输出", "output"),
        column_axis=Bilingual("改动的输入", "changed input"),
        name="influence",
    )
