"""Masks texts by ``mlxformer.mask_tokens``, and asks the models that were trained at four rates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.pretrained.masked.samples import samples
from mlxformer.training.masked_lm import KEPT, MASKED, RANDOM, MaskedTokens
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.masking_rate.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.figures.data import Bars, Curve, Figure, Label, Series, TokenRow, Tokens

TWINS = ("mlm-rate-05", "mlm-rate-15", "mlm-rate-40", "mlm-rate-80")
LONGEST = 20  # tokens of a verse that the models are asked about: enough, and quick
VERSES = 72
COUNTED = 100_000
EPOCHS = 10
TREATMENTS = (MASKED, RANDOM, KEPT)
ALL_MASKED, THREE_WAYS = (1.0, 0.0, 0.0), (0.4, 0.3, 0.3)
ASKED = (
    (TWINS[1], 0.15, ALL_MASKED),
    (TWINS[1], 0.8, ALL_MASKED),
    (TWINS[1], 0.3, THREE_WAYS),
    (TWINS[2], 0.15, ALL_MASKED),
)  # whatever the knobs, but the seed
NO_TEXT = Bilingual("还没有句子：请输入一句英文。", "No text yet: type an English sentence.")
SPLITS = {"80-10-10": (0.8, 0.1, 0.1), "100-0-0": (1.0, 0.0, 0.0), "0-50-50": (0.0, 0.5, 0.5)}


@cache
def twin(name: str) -> Any:
    """The model, loaded once."""
    return mf.load_pretrained(name)


@cache
def held_out() -> tuple[np.ndarray, np.ndarray]:
    """ids and attention mask [N, LONGEST] of verses that no model was trained on."""
    using = twin(TWINS[1]).tokenizer
    batch = using(samples("book", held_out=True), max_length=LONGEST)
    return to_numpy(batch.input_ids), to_numpy(batch.attention_mask)


def special_ids() -> tuple[int, ...]:
    using = twin(TWINS[1]).tokenizer
    return (using.pad_id, using.unk_id, using.cls_id, using.sep_id, using.mask_id)


def masked(
    ids: np.ndarray, generator: np.random.Generator, rate: float, split: tuple[float, ...], *, special: bool = True
) -> MaskedTokens:
    """With ``special`` False nothing is left out (a falsifier)."""
    using = twin(TWINS[1]).tokenizer
    left_out = special_ids() if special else ()
    return mf.mask_tokens(
        ids, generator, rate=rate, special=left_out, mask_id=using.mask_id, vocab_size=using.vocab_size, split=split
    )


class Answers(NamedTuple):
    """Of all predicted places: the mean of −log p of the right token, and how often it came first, in per cent, by how
    the place was treated (0 where none was so)."""

    loss: float
    accuracy: Mapping[int, float]


def ask(name: str, rate: float, split: tuple[float, ...], seed: int) -> Answers:
    """The model ``name`` on held-out verses masked at ``rate``; a seed masks all models' verses alike."""
    loss, *right = _asked(name, rate, split, seed)
    return Answers(loss, dict(zip(TREATMENTS, right, strict=True)))


@kept(beforehand=[(*asked, seed) for seed in SEEDS_BEFOREHAND for asked in ASKED])
def _asked(name: str, rate: float, split: tuple[float, ...], seed: int) -> tuple[float, ...]:
    """The loss, and the share of right ones for each of ``TREATMENTS``."""
    ids, real = (x[:VERSES] for x in held_out())
    found = masked(ids, np.random.default_rng([seed, 1]), rate, split)
    model = twin(name).model
    hidden = model.bert(mx.array(found.input_ids), attention_mask=mx.array(real)).last_hidden_state
    places = np.flatnonzero(found.predicted).astype(np.int32)
    picked = mx.take(hidden.reshape(-1, hidden.shape[-1]), mx.array(places), axis=0)  # the head at these alone
    logits = model.mlm_head(mx.expand_dims(picked, 0), model.bert.embeddings.word_embeddings)
    labels = ids.reshape(-1)[places]
    losses = nn.losses.cross_entropy(logits, mx.array(labels[None]), reduction="none")
    right = to_numpy(logits)[0].argmax(-1) == labels
    treated = found.treatment.reshape(-1)[places]
    shares = [100.0 * float(right[treated == kind].mean()) if (treated == kind).any() else 0.0 for kind in TREATMENTS]
    return (float(to_numpy(losses)[0].astype(np.float64).mean()), *shares)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    text = str(knobs["text"]).encode(errors="replace").decode()  # half a character can be pasted into a terminal
    if not text.strip():
        return EXPERIMENT.nothing_to_run(NO_TEXT)
    rate, split, seed = int(knobs["rate"]) / 100, SPLITS[str(knobs["split"])], int(knobs["seed"])
    report(0.0, "BERT")
    checks = [*_proportions(knobs, rate, split, seed), _loss(seed, bool(knobs["score_all"])),
              _epochs(rate, split, seed, bool(knobs["freeze"]))]  # fmt: skip
    report(0.3, TWINS[1])
    low, high = (ask(TWINS[1], share, ALL_MASKED, seed) for share in (0.15, int(knobs["high_rate"]) / 100))
    shares = (0.5, 0.5, 0.0) if knobs["kept_random"] else THREE_WAYS
    treated = ask(TWINS[1], 0.3, shares, seed)
    unchanged = treated.accuracy[RANDOM if knobs["kept_random"] else KEPT]
    fifteen, forty = (ask(name, 0.15, ALL_MASKED, seed).loss for name in TWINS[1:3])
    if knobs["swap"]:
        fifteen, forty = forty, fifteen
    checks += [
        EXPERIMENT.measured("nll-at-80", high.loss, low.loss + 0.4),
        EXPERIMENT.measured("nll-trained-at-40", forty, fifteen),
        EXPERIMENT.measured("kept-accuracy", unchanged, treated.accuracy[MASKED] + 15.0),
    ]
    report(0.8, "figures")
    figures: list[Figure] = [
        _strips(text, rate, split, bool(knobs["dynamic"]), seed),
        _curve(rate),
        _treatments(treated),
    ]
    return Result(figures, checks)


def _proportions(knobs: Mapping[str, Any], rate: float, split: tuple[float, ...], seed: int) -> list[Check]:
    ids = held_out()[0]
    special = np.isin(ids, special_ids())
    times = -(-COUNTED // int((~special).sum()))
    ids, special = np.tile(ids, (times, 1)), np.tile(special, (times, 1))
    shares = split
    if knobs["always_mask"]:
        shares = (1.0, 0.0, 0.0)
    elif knobs["never_random"]:
        shares = (split[0], 0.0, split[1] + split[2])
    found = masked(ids, np.random.default_rng(seed), rate, shares, special=not knobs["special_too"])
    total = float((~special).sum())
    became_mask = (found.treatment == MASKED)[~special].sum() / total
    altered = (found.input_ids != ids)[~special].sum() / total
    measured = EXPERIMENT.measured
    return [
        measured("mask-share", 100.0 * became_mask, 100.0 * rate * split[0], 0.5),
        measured("altered-share", 100.0 * altered, 100.0 * rate * (split[0] + split[1]), 0.5),
        measured("specials-chosen", float(found.predicted[special].sum()), 0.0),
    ]


def _loss(seed: int, score_all: bool) -> Check:
    """Random logits do: what is asked is which labels the loss looks at."""
    generator = np.random.default_rng([seed, 3])
    ids = held_out()[0][:8]
    found = masked(ids, generator, 0.15, SPLITS["80-10-10"])
    logits = mx.array(generator.standard_normal((*ids.shape, 2000)).astype(np.float32))
    other = np.where(found.predicted, ids, (ids + 1) % 2000)
    predicted = np.ones_like(found.predicted) if score_all else found.predicted
    one, two = (float(to_numpy(mf.masked_language_model_loss(logits, labels, predicted))) for labels in (ids, other))
    return EXPERIMENT.measured("unchosen-labels", abs(one - two), 0.0)


def _epochs(rate: float, split: tuple[float, ...], seed: int, freeze: bool) -> Check:
    ids = held_out()[0]
    ever = np.zeros(ids.shape, bool)
    for epoch in range(EPOCHS):
        ever |= masked(ids, np.random.default_rng([seed, 2, 0 if freeze else epoch]), rate, split).predicted
    share = float(ever[~np.isin(ids, special_ids())].mean())
    return EXPERIMENT.measured("ever-chosen", 100.0 * share, 100.0 * (1.0 - (1.0 - rate) ** EPOCHS), 2.5)


def _strips(text: str, rate: float, split: tuple[float, ...], dynamic: bool, seed: int) -> Tokens:
    using = twin(TWINS[1]).tokenizer
    ids = to_numpy(using(text, max_length=64).input_ids)[0]
    strips = [TokenRow(Bilingual("原句", "text"), using.tokens(ids))]
    names = {0: "", MASKED: "M", RANDOM: "R", KEPT: "="}
    for epoch in range(3):
        found = masked(ids, np.random.default_rng([seed, 4, epoch if dynamic else 0]), rate, split)
        strips.append(
            TokenRow(
                Bilingual(f"第 {epoch + 1} 轮", f"epoch {epoch + 1}"),
                using.tokens(found.input_ids),
                [1.0 if chosen else 0.0 for chosen in found.predicted],
                [names[int(kind)] for kind in found.treatment],
            )
        )
    return Tokens(
        Bilingual("三轮里选中谁（M 换成 [MASK]，R 换成随机词元，= 选中但不变）",
                  "Who is chosen in three epochs (M [MASK], R a random token, = chosen and kept)"),
        strips,
        name="masked",
    )  # fmt: skip


def _curve(rate: float) -> Curve:
    """Measured in training: it stands in the cards."""
    series = []
    for name in TWINS:
        asked: dict[str, dict[str, float]] = twin(name).card.reports["held-out by the rate at which it is asked"]
        label: Label = Bilingual(f"训练时 {int(name[-2:])} %", f"trained at {int(name[-2:])} %")
        rates = [100.0 * float(share) for share in asked]
        series.append(Series(label, rates, [100.0 * values["accuracy"] for values in asked.values()]))
    return Curve(
        Bilingual("没见过的句子：猜对多少（训练时测得，记在模型卡上）",
                  "Held-out verses: how many tokens are right (measured in training; on the cards)"),
        Bilingual("考试时遮住 %", "masked when asked, %"),
        Bilingual("猜对 %", "right, %"),
        series,
        marks=[(100.0 * rate, Bilingual("现在的比例", "the rate now"))],
        name="twins",
    )  # fmt: skip


def _treatments(treated: Answers) -> Bars:
    labels: list[Label] = [
        "[MASK]",
        Bilingual("换成随机词元", "a random token"),
        Bilingual("不变", "the word itself"),
    ]
    return Bars(
        Bilingual("选中的位置上放的是什么，猜对多少（15 % 的模型）",
                  "What stands at a chosen place, and how many are right (the 15 % model)"),
        labels,
        [treated.accuracy[kind] for kind in TREATMENTS],
        Bilingual("猜对 %", "right, %"),
        name="treatments",
    )  # fmt: skip
