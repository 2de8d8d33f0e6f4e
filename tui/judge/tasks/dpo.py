"""DPO: −log σ(r_w − r_l), averaged, with the implicit rewards r = β (log π − log π_ref)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, coarse, drawn, lifted, mistake, unit


def _component(a: Any, b: Any, c: Any, d: Any, beta: float = 0.1) -> Any:
    from mlxformer.training.preferences import dpo_loss, implicit_rewards

    return dpo_loss(a, b, c, d, beta), implicit_rewards(a, c, beta), implicit_rewards(b, d, beta)


def _dpo(
    policy_chosen: Any,
    policy_rejected: Any,
    reference_chosen: Any,
    reference_rejected: Any,
    beta: float = 0.1,
    *,
    reference: str = "taken-off",
    sign: float = 1.0,
    loss_beta: str = "beta",
    log: str = "softplus",
    gather: Any = np.mean,
    fixed: bool = False,
    loss: str = "sigmoid",
) -> Any:
    """The right loss and rewards; each argument after the contract's is a mistake."""
    beta = 0.1 if fixed else beta
    chosen, rejected = policy_chosen, policy_rejected
    if reference == "taken-off":
        chosen, rejected = chosen - reference_chosen, rejected - reference_rejected
    elif reference == "crossed":
        chosen, rejected = chosen - reference_rejected, rejected - reference_chosen
    elif reference == "reversed":
        chosen, rejected = reference_chosen - chosen, reference_rejected - rejected
    factor = chosen.dtype.type(1.0 if loss_beta == "forgotten" else beta)
    rewards = look("chosen_rewards", factor * chosen), look("rejected_rewards", factor * rejected)
    margin = look("margin", sign * (rewards[0] - rewards[1]))
    if loss_beta == "outside":
        margin = margin / factor
    if loss == "hinge":
        each = np.maximum(1 - margin, 0)
    elif loss == "squared":
        each = (margin / factor - 1 / (2 * beta)) ** 2
    elif loss == "without-log":
        each = -1 / (1 + np.exp(-margin))
    elif log == "softplus":
        each = np.logaddexp(0, -margin)
    elif log == "of-sigmoid":
        each = -np.log(1 / (1 + np.exp(-margin)))
    else:
        each = -np.log(1 / (1 + np.exp(-margin)) + 1e-8)
    if loss_beta == "outside":
        each = each * factor
    return gather(each).astype(margin.dtype), rewards[0].astype(margin.dtype), rewards[1].astype(margin.dtype)


def _call(seed: int, count: int, scale: float = 1.0, **options: float) -> Call:
    arrays = [coarse(np.clip(drawn(seed + i, count, scale=scale) - F32(scale), -1e4, 1e4), 8) for i in range(4)]
    return Call("dpo_loss", tuple(arrays), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "dpo-ppo-grpo", "preferences", dpo_loss=partial(_dpo, **change))


_HAND = Call("dpo_loss", tuple(np.array([each], F32) for each in (-1, -3, -2, -2)), {"beta": 0.5})
_HALF = Call("dpo_loss", tuple(unit(60 + i, 16) for i in range(4)), {"beta": 0.5})
_ROWS = ("pair",)

TASK = Task(
    "dpo",
    (
        Function(
            "dpo_loss",
            ("policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected", "beta=0.1"),
            (Output("loss", (), "number"), Output("chosen_rewards", _ROWS), Output("rejected_rewards", _ROWS)),
        ),
    ),
    {"dpo_loss": lifted(_component)},
    {"dpo_loss": _dpo},
    (
        case("by-hand", "手算的例子：β = 0.5，奖励差 1", "by hand: β = 0.5, rewards apart by 1", _HAND),
        case("batch", "一批", "a batch", _call(1, 7, scale=3.0)),
        case("one-pair", "一对", "one pair", _call(10, 1, scale=2.0)),
        case("beta", "β = 0.8", "β = 0.8", _call(20, 5, beta=0.8)),
        case("small-beta", "β = 0.02", "β = 0.02", _call(30, 6, scale=20.0, beta=0.02)),
        case(
            "sequences",
            "整句的对数概率，约 −100",
            "log-probabilities of whole texts, about −100",
            _call(40, 4, scale=100.0),
        ),
        case("large", "大到 ±1e4：σ 会下溢", "to ±1e4, where σ underflows", _call(50, 6, scale=5e3, beta=0.5)),
        case("float16", "float16", "float16", _HALF, dtype="float16"),
    ),
    (
        _mistake("reference-forgotten", "没有减去参考模型的 DPO", "DPO without the reference", reference="ignored"),
        _mistake(
            "references-crossed",
            "参考模型的两项弄反的 DPO",
            "DPO with the reference's two terms crossed",
            reference="crossed",
        ),
        _mistake(
            "reference-less-policy",
            "对数比写反（参考减策略）的 DPO",
            "DPO with its log-ratio reversed (reference less policy)",
            reference="reversed",
        ),
        _mistake(
            "chosen-and-rejected-swapped", "好坏弄反、鼓励差答案的 DPO", "DPO that rewards the worse answer", sign=-1.0
        ),
        _mistake("beta-forgotten", "忘了 β 的 DPO", "DPO without β", loss_beta="forgotten"),
        _mistake("beta-outside", "β 乘在 log σ 外面的 DPO", "DPO with β outside of log σ", loss_beta="outside"),
        _mistake("beta-ignored", "没有理会 beta、总用 0.1 的 DPO", "DPO that ignores beta and takes 0.1", fixed=True),
        _mistake(
            "log-forgotten",
            "损失是 −σ、没有取对数的 DPO",
            "DPO whose loss is −σ, without the logarithm",
            loss="without-log",
        ),
        _mistake(
            "log-of-sigmoid",
            "先算 σ 再取对数、下溢成无穷的 DPO",
            "DPO with the log of a σ that underflows, so that the loss is infinite",
            log="of-sigmoid",
        ),
        _mistake(
            "epsilon-in-log",
            "log(σ + 1e-8) 的 DPO：损失被封了顶",
            "DPO of log(σ + 1e-8): the loss has a ceiling",
            log="epsilon",
        ),
        _mistake("sum-for-mean", "求和、没有取平均的 DPO", "DPO summed over pairs, not averaged", gather=np.sum),
        _mistake("hinge", "用了铰链损失的 DPO（那是 SLiC）", "DPO with a hinge (SLiC)", loss="hinge"),
        _mistake("squared", "用了平方损失的 DPO（那是 IPO）", "DPO with a square (IPO)", loss="squared"),
    ),
)
