"""One routed layer: which experts run and what they cost; then its router alone, trained to share out the load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.mixture_of_experts.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Bars, Figure, Table, TokenRow, Tokens

DIMS, HIDDEN = 16, 32  # C and F of each expert
RATE = 0.05  # of the gradient descent on the router
SHOWN = 16  # tokens of the strip


class Arms(mf.Module):
    """``sparse`` chooses k experts, ``dense`` the same experts with all of them chosen."""

    def __init__(self, experts: int, top_k: int, seed: int) -> None:
        super().__init__()
        weights = draw(np.random.default_rng(seed), mf.MixtureOfExperts(DIMS, HIDDEN, experts, top_k))
        self.sparse = load(mf.MixtureOfExperts(DIMS, HIDDEN, experts, top_k), weights)
        self.dense = load(mf.MixtureOfExperts(DIMS, HIDDEN, experts, experts), weights)


@dataclass(frozen=True)
class Balance:
    """How often each expert is chosen, and the balancing loss, before and after."""

    before: np.ndarray
    after: np.ndarray
    loss_before: float
    loss_after: float

    @staticmethod
    def peak(load: np.ndarray) -> float:
        return float(load.max() / load.mean())


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    experts, top_k, seed = int(knobs["experts"]), int(knobs["top_k"]), int(knobs["seed"])
    if top_k > experts:
        reason = Bilingual(
            f"{experts} 个专家里选不出 {top_k} 个：k 不能大于 E。",
            f"{top_k} of {experts} experts cannot be chosen: k is at most E.",
        )
        return EXPERIMENT.nothing_to_run(reason)
    made = max(experts // 2, 1) if knobs["half"] else experts
    arms = Arms(made, made if knobs["run_all"] else min(top_k, made), seed)
    x = mx.array(embed(tokens, DIMS, seed))[None]  # [1, T, C]
    with traced(report, 0.2, arms) as steps:
        arms.sparse(x)
        arms.dense(x)
    balance = _balance(arms.sparse, knobs, report)
    checks = [
        *_against_loops(arms, steps, to_numpy(x)[0], min(top_k, made)),
        *_counts(arms.sparse, steps, len(tokens), experts, top_k),
        _unchosen(arms.sparse, x[:, :1], experts, top_k),
        *_balanced(balance, knobs, experts, top_k),
    ]
    figures: list[Figure] = [
        _bars(
            balance.before,
            Bilingual("训练路由器之前：各专家的负载", "Load of each expert before the router is trained"),
            "before",
        ),
        _bars(
            balance.after,
            Bilingual("只用均衡损失训练之后", "… and after training on the balancing loss"),
            "after",
        ),
        _strip(tokens, steps),
        _cost(arms.sparse, steps, len(tokens)),
    ]
    return Result(figures, checks, tuple(step for step in steps if step.path.startswith("sparse.")))


def _against_loops(arms: Arms, steps: mf.Trace, x: np.ndarray, top_k: int) -> list[Check]:
    return [
        EXPERIMENT.measured(name, _apart(steps[f"{arm}.output"].value[0], loop(arms.dense, x, chosen)), 0.0, 1e-5)
        for name, arm, chosen in (
            ("all-experts-is-dense", "dense", arms.dense.num_experts),
            ("top-k-is-a-loop", "sparse", top_k),
        )
    ]


def _apart(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def loop(layer: Any, x: np.ndarray, top_k: int) -> np.ndarray:
    """x [T, C] token by token and expert by expert, in float64; shares no code with the layer."""
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    p = {path: to_numpy(value).astype(np.float64) for path, value in parameters.items()}
    y = np.zeros(x.shape)
    for place, token in enumerate(x.astype(np.float64)):
        scores = np.exp(p["router.weight"] @ token)
        chosen = np.argsort(-scores)[:top_k]
        for expert in chosen:
            path = f"experts.{expert}"
            hidden = np.maximum(p[f"{path}.up_proj.weight"] @ token + p[f"{path}.up_proj.bias"], 0)
            out = p[f"{path}.down_proj.weight"] @ hidden + p[f"{path}.down_proj.bias"]
            y[place] += scores[expert] / scores[chosen].sum() * out
    return y


def _counts(layer: Any, steps: mf.Trace, length: int, experts: int, top_k: int) -> list[Check]:
    rows = sum(step.value.shape[1] for step in steps if _ran(step.path, "sparse"))
    one = parameters(layer.experts[0])
    stored = parameters(layer.experts)
    return [
        EXPERIMENT.measured("runs-per-token", rows / length, float(top_k)),
        EXPERIMENT.measured("active-share", 100.0 * rows / length * one / stored, 100.0 * top_k / experts, 1e-9),
        EXPERIMENT.measured("stored-parameters", stored / parameters(mf.FeedForward(DIMS, HIDDEN)), float(experts)),
    ]


def _ran(path: str, arm: str) -> bool:
    return path.startswith(f"{arm}.experts.") and path.endswith(".hidden")


def parameters(module: Any) -> int:
    """Of one module, or of a list of them."""
    modules = module if isinstance(module, list) else [module]
    leaves: list[Any] = [leaf for one in modules for leaf in tree_flatten(one.parameters())]
    return sum(int(value.size) for _, value in leaves)


def _unchosen(layer: Any, token: Any, experts: int, top_k: int) -> Check:
    """One token: the gradients of all parameters of the experts that are not among its k best."""
    name = "unchosen-learn-nothing"
    if top_k >= experts:
        return EXPERIMENT.undefined(name, Bilingual("k = E，没有落选的专家。", "With k = E no expert is left out."))
    _, slopes = nn.value_and_grad(layer, lambda: mx.sum(mx.square(layer(token))))()
    best = np.argsort(-to_numpy(layer.router(token))[0, 0])[:top_k]
    others = [slopes["experts"][i] for i in range(layer.num_experts) if i not in best]
    leaves: dict[str, Any] = dict(tree_flatten(others))
    largest = max((float(np.abs(to_numpy(value)).max()) for value in leaves.values()), default=0.0)
    return EXPERIMENT.measured(name, largest, 0.0)


def _balance(layer: Any, knobs: Mapping[str, Any], report: Report) -> Balance:
    """Gradient descent on the balancing loss by the router's matrix, the experts left as they are."""
    generator = np.random.default_rng([int(knobs["seed"]), 1])
    common = generator.standard_normal(DIMS)
    common *= np.sqrt(DIMS) / np.linalg.norm(common)
    drawn = generator.standard_normal((int(knobs["tokens"]), DIMS)) + float(knobs["skew"]) * common
    x, weight = mx.array(drawn.astype(np.float32)), layer.router.weight

    def loss(weight: Any) -> Any:
        layer.router.weight = weight
        probabilities, chosen, _ = layer.route(x)
        return mf.load_balancing_loss(probabilities, chosen)

    def load_of(weight: Any) -> np.ndarray:
        layer.router.weight = weight
        counts = np.bincount(to_numpy(layer.route(x)[1]).ravel(), minlength=layer.num_experts)
        return counts.astype(np.float64)

    first, descent = weight, mx.value_and_grad(loss)
    before, loss_before = load_of(weight), float(to_numpy(loss(weight)))
    for step in range(0 if knobs["still"] else int(knobs["steps"])):
        report(0.3 + 0.6 * step / int(knobs["steps"]), "router")
        _, slope = descent(weight)
        weight = weight - RATE * slope
        mx.eval(weight)
    balance = Balance(before, load_of(weight), loss_before, float(to_numpy(loss(weight))))
    layer.router.weight = first
    return balance


def _balanced(balance: Balance, knobs: Mapping[str, Any], experts: int, top_k: int) -> list[Check]:
    names = ("load-before", "load-after", "least-load-after", "balancing-loss")
    if experts < 8 or 2 * top_k > experts or float(knobs["skew"]) < 1:
        reason = Bilingual(
            "要看偏斜，专家至少 8 个、k 不超过 E/2、词元相像的程度至少为 1。",
            "To see an imbalance take 8 experts or more, k up to E/2, and tokens alike by 1 or more.",
        )
        return [EXPERIMENT.undefined(name, reason) for name in names]
    before = balance.peak(np.full(experts, 1.0) if knobs["round_robin"] else balance.before)
    checks = [EXPERIMENT.measured(names[0], before, 1.2)]
    if int(knobs["steps"]) < 40:
        reason = Bilingual("训练步数太少：至少 40 步。", "Too few steps of training: take 40 or more.")
        return [*checks, *(EXPERIMENT.undefined(name, reason) for name in names[1:])]
    halved = 1 + 0.5 * (balance.peak(balance.before) - 1)  # the excess over an even load, at most halved
    return [
        *checks,
        EXPERIMENT.measured(names[1], balance.peak(balance.after), halved),
        _least(names[2], balance, experts, int(knobs["steps"])),
        EXPERIMENT.measured(names[3], balance.loss_after, 1 + 0.5 * (balance.loss_before - 1)),
    ]


def _least(name: str, balance: Balance, experts: int, steps: int) -> Check:
    """The loss presses on busy experts, which lifts an idle one only indirectly: among many, one may stay idle."""
    if experts > 8 or steps < 120:
        reason = Bilingual(
            "均衡损失只压低忙的专家：专家多于 8 个或不到 120 步时，可能有一个一直闲着（看负载图）。",
            "The loss only presses on busy experts: with more than 8, or in fewer than 120 steps, one may stay idle "
            "(see the loads).",
        )
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, float(balance.after.min() / balance.after.mean()), 0.5)


def _strip(tokens: Sequence[str], steps: mf.Trace) -> Tokens:
    chosen, gates = (steps[f"sparse.{name}"].value[:SHOWN] for name in ("chosen", "gates"))
    marks = [",".join(str(int(expert)) for expert in row) for row in chosen]
    return Tokens(
        Bilingual(
            "每个词元去哪些专家（先写的门控大，数是它的门控）", "Experts of each token (best first, with its gate)"
        ),
        [
            TokenRow(
                Bilingual("专家编号", "experts"), list(tokens[:SHOWN]), [float(gate) for gate in gates[:, 0]], marks
            )
        ],
        name="routing",
    )


def _bars(chosen: np.ndarray, title: Bilingual, name: str) -> Bars:
    shares = 100.0 * chosen / chosen.sum()
    return Bars(
        title,
        labels=[Bilingual(f"专家 {expert}", f"expert {expert}") for expert in range(len(chosen))],
        values=[float(share) for share in shares],
        value_label=Bilingual("占全部选择的 %", "of all choices, %"),
        reference=(100.0 / len(chosen), Bilingual("均匀", "even")),
        name=name,
    )


def _cost(layer: Any, steps: mf.Trace, length: int) -> Table:
    one = parameters(layer.experts[0])
    rows = sum(step.value.shape[1] for step in steps if _ran(step.path, "sparse")) / length
    products = 4.0 * DIMS * HIDDEN  # of one feed-forward layer for one token, a multiply-add being 2
    router = int(layer.router.weight.size)
    return Table(
        Bilingual(f"一个词元（d = {DIMS}，专家宽 {HIDDEN}）", f"One token (d = {DIMS}, experts {HIDDEN} wide)"),
        columns=[
            Bilingual("做法", "layer"), Bilingual("存的参数", "stored"), Bilingual("用到的参数", "used"),
            Bilingual("运算", "operations"),
        ],
        rows=[
            [Bilingual("一个前馈层", "one feed-forward"), one, one, round(products)],
            ["MoE", one * layer.num_experts + router, round(rows * one) + router, round(rows * products) + 2 * router],
            [Bilingual("同样参数的稠密层", "dense, as many parameters"), one * layer.num_experts,
             one * layer.num_experts, round(products * layer.num_experts)],
        ],
        name="cost",
    )  # fmt: skip
