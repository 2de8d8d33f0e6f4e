"""Schedules as they are, Adam fed with gradients of known size, and a short race of three small encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.meanwhile import nobody
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.warm_up.declaration import EXPERIMENT
from tui.figures.data import Curve, Figure, Series

BERT_PEAK, BERT_STEPS = 1e-4, 1_000_000
VASWANI_DIMS, VASWANI_WARMUP = 512, 4_000

# Gradients for Adam
PARAMETERS, UPDATES = 20_000, 100
SIZES = (1e-4, 1e-2, 1.0, 100.0)  # of the gradients of the first update
P95_AT_FIRST = 15.95  # 1/|g| is above it where |g| < 0.0627, which N(0, 1) is with probability 1/20

# The race: name each of 8 tokens
TOKENS, WIDTH, HEADS, LENGTH, SENTENCES, LAYERS = 16, 32, 4, 8, 16, 5
STEPS, PEAK, LAST = 24, 1.5e-2, 4
CHANCE = float(np.log(TOKENS))
ENOUGH = 12  # steps of warm-up from which the claim about it is made

Norm = Literal["post", "pre"]
RACE_WARMUPS = (0, 4, 8, 12, 16, 20, 24)  # what the knob can be turned to


class Namer(mf.Module):
    """Embeddings, positions, an encoder and a linear map to a class for each token."""

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.positions = mf.SinusoidalPositions(WIDTH)
        self.encoder = mf.Encoder(LAYERS, WIDTH, HEADS, 4 * WIDTH, mf.LayerConfig(norm=norm, attention_bias=False))
        self.head = nn.Linear(WIDTH, TOKENS, bias=False)

    def __call__(self, ids: Any) -> Any:
        """[B, T] -> logits [B, T, V]."""
        x = self.embedding(ids) * WIDTH**0.5 + self.positions(ids.shape[1])
        return self.head(self.encoder(x))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    seed, beta2 = int(knobs["seed"]), float(knobs["beta2"])
    none = bool(knobs["no_warmup"])
    warmup, race_warmup = (0, 0) if none else (int(knobs["warmup"]), int(knobs["race_warmup"]))
    post, pre = ("pre", "post") if knobs["swap_norms"] else ("post", "pre")
    bert = mf.warmup_linear_decay(BERT_PEAK, warmup, BERT_STEPS)
    at = np.unique(np.concatenate([np.linspace(0, 5 * int(knobs["warmup"]), 101), [warmup]]).astype(np.int64))
    rates = [float(bert(int(step))) for step in at]
    corrected, raw = (_first_update(flag != bool(knobs["flip_correction"]), beta2, seed) for flag in (True, False))
    report(0.2, "adam")
    spread = _adaptive_rates(beta2, seed)
    early, late = (spread[-1], spread[0]) if knobs["swap_times"] else (spread[0], spread[-1])
    races: list[Sequence[float]] = []

    def progress(share: float, text: str) -> None:
        report(0.3 + 0.2 * (len(races) + share), text)

    for norm, steps in ((post, 0), (post, race_warmup), (pre, 0)):

        def so_far(losses: Sequence[float]) -> None:
            EXPERIMENT.meanwhile(lambda: _race_curve([*races, losses], race_warmup))

        races.append(_race(norm, steps, seed, report=progress, so_far=so_far))  # type: ignore[arg-type]
    measured = EXPERIMENT.measured
    checks = [
        measured("peak-after-warm-up", float(at[int(np.argmax(rates))]), float(knobs["warmup"])),
        measured("first-update-is-the-rate", corrected, 1.0, 1e-3),
        measured("uncorrected-first-update", raw, (1 - 0.9) / (1 - beta2) ** 0.5, 1e-2),
        measured("early-rate-is-unsure", early[1], P95_AT_FIRST, 0.15 * P95_AT_FIRST),
        measured("late-rate-is-sure", late[1], 1.5),
        measured("post-without-warm-up-stalls", _end(races[0]), CHANCE - 0.25),
        _warmed(races, int(knobs["race_warmup"])),
        measured("pre-needs-none", _end(races[2]), 1.0),
    ]
    figures: list[Figure] = [_race_curve(races, int(knobs["race_warmup"])), _adam_curve(spread), _schedules(at, rates)]
    return Result(figures, checks)


def _first_update(correction: bool, beta2: float, seed: int) -> float:
    """The median of |Δw| over the learning rate in Adam's first update, for gradients of very different sizes."""
    generator = np.random.default_rng([seed, 1])
    gradients = np.concatenate([size * generator.choice([-1.0, 1.0], 64) for size in SIZES]).astype(np.float32)
    rate = 1e-3
    adam = optimizers.Adam(learning_rate=rate, betas=[0.9, beta2], eps=1e-12, bias_correction=correction)
    moved = adam.apply_gradients({"w": mx.array(gradients)}, {"w": mx.zeros(gradients.shape)})
    return float(np.median(np.abs(to_numpy(moved["w"])))) / rate


@kept()
def _adaptive_rates(beta2: float, seed: int) -> Sequence[tuple[float, float]]:
    """The median and the 95th percentile over parameters of 1/√v̂, at each of Adam's updates on N(0, 1) gradients."""
    generator = np.random.default_rng([seed, 2])
    adam = optimizers.Adam(learning_rate=0.0, betas=[0.9, beta2], bias_correction=True)
    parameters = {"w": mx.zeros((PARAMETERS,))}
    found = []
    for step in range(1, UPDATES + 1):
        gradients = mx.array(generator.standard_normal(PARAMETERS).astype(np.float32))
        parameters = adam.apply_gradients({"w": gradients}, parameters)
        second = to_numpy(adam.state["w"]["v"]).astype(np.float64) / (1 - beta2**step)
        median, high = np.percentile(1 / np.sqrt(second), (50, 95))
        found.append((float(median), float(high)))
    return found


@kept(
    apart=True,
    beforehand=[("pre", 0, seed) for seed in SEEDS_BEFOREHAND]
    + [("post", steps, seed) for steps in RACE_WARMUPS for seed in SEEDS_BEFOREHAND],
)
def _race(
    norm: Norm, warmup: int, seed: int, *, report: Report = silent, so_far: Callable[[Sequence[float]], object] = nobody
) -> Sequence[float]:
    """The training loss at each step; ``so_far`` is told those that there are."""
    generator = np.random.default_rng([seed, 3])
    model = Namer(norm)
    load(model, draw(generator, model)).train()

    def rate(step: Any) -> Any:
        return PEAK * mx.minimum(1.0, (step.astype(mx.float32) + 1) / max(warmup, 1))

    adam = optimizers.Adam(learning_rate=rate, bias_correction=True)
    step_of = nn.value_and_grad(model, lambda ids: mx.mean(nn.losses.cross_entropy(model(ids), ids)))
    losses = []
    for step in range(STEPS):
        report(step / STEPS, norm)
        ids = mx.array(generator.integers(0, TOKENS, (SENTENCES, LENGTH)).astype(np.int32))
        loss, gradients = step_of(ids)
        adam.update(model, gradients)
        mx.eval(model.parameters(), adam.state)
        losses.append(float(to_numpy(loss)))
        so_far(losses)
    return losses


def _end(losses: Sequence[float]) -> float:
    return float(np.mean(losses[-LAST:]))


def _warmed(races: Sequence[Sequence[float]], race_warmup: int) -> Check:
    if race_warmup < ENOUGH:
        return EXPERIMENT.undefined(
            "warm-up-lets-it-learn",
            Bilingual(
                f"预热不到 {ENOUGH} 步，不下结论。", f"With less than {ENOUGH} steps of warm-up nothing is claimed."
            ),
        )
    return EXPERIMENT.measured("warm-up-lets-it-learn", _end(races[1]), _end(races[0]) - 0.3)


def _race_curve(races: Sequence[Sequence[float]], race_warmup: int) -> Curve:
    """Of the arms that there are; one that is still being trained ends early."""
    steps = [float(step) for step in range(1, STEPS + 1)]
    names = (
        Bilingual("Post-LN，不预热", "post-LN, no warm-up"),
        Bilingual(f"Post-LN，预热 {race_warmup} 步", f"post-LN, {race_warmup} warm-up"),
        Bilingual("Pre-LN，不预热", "pre-LN, no warm-up"),
    )
    return Curve(
        Bilingual(f"{LAYERS} 层编码器的训练损失，峰值学习率同为 {PEAK:g}",
                  f"Training loss of {LAYERS} encoder layers, all at a peak rate of {PEAK:g}"),
        Bilingual("步", "step"),
        Bilingual("交叉熵（nats）", "cross-entropy, nats"),
        [
            *(Series(name, steps[: len(race)], list(race)) for name, race in zip(names, races, strict=False)),
            Series(Bilingual("瞎猜 ln 16", "guessing, ln 16"), steps, [CHANCE] * STEPS),
        ],
        name="race",
    )  # fmt: skip


def _adam_curve(spread: Sequence[tuple[float, float]]) -> Curve:
    steps = [float(step) for step in range(1, UPDATES + 1)]
    return Curve(
        Bilingual("Adam 的 1/√v̂，高斯梯度（稳定时是 1）", "Adam's 1/√v̂ on Gaussian gradients (1 once settled)"),
        Bilingual("步", "step"),
        Bilingual("步长的倍数 1/√v̂", "step's factor, 1/√v̂"),
        [
            Series(Bilingual("中位数", "median"), steps, [median for median, _ in spread]),
            Series(Bilingual("第 95 百分位", "95th percentile"), steps, [high for _, high in spread]),
        ],
        log_x=True,
        log_y=True,
        name="adaptive-rates",
    )


def _schedules(at: np.ndarray, rates: list[float]) -> Curve:
    vaswani = mf.warmup_inverse_sqrt(VASWANI_DIMS, VASWANI_WARMUP)
    steps = [float(step) for step in at]
    return Curve(
        Bilingual("学习率，单位 1e-4", "Learning rates, in units of 1e-4"),
        Bilingual("步", "step"),
        Bilingual("学习率（1e-4）", "learning rate (1e-4)"),
        [
            Series("BERT", steps, [rate / 1e-4 for rate in rates]),
            Series("Vaswani 2017", steps, [float(vaswani(int(step))) / 1e-4 for step in at]),
        ],
        name="schedules",
    )
