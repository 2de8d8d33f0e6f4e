"""lr = max · step / warmup, then min + ½ (max − min)(1 + cos(π (step − warmup) / (total − warmup))), then min."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import case, mistake


def _component(step: int, max_lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0) -> float:
    from mlxformer.training.schedules import warmup_cosine_decay

    return float(warmup_cosine_decay(max_lr, warmup_steps, total_steps, min_lr)(step))


def _schedule(
    step: int,
    max_lr: float,
    warmup_steps: int,
    total_steps: int,
    min_lr: float = 0.0,
    *,
    start: int = 0,
    progress: str = "after-warmup",
    way: str = "cosine",
    floor: str = "mixed",
    clamp: bool = True,
    rising: str = "from-zero",
    pi: float = math.pi,
) -> float:
    """The right rate; each argument after the contract's is a mistake."""
    if floor == "ignored":
        min_lr = 0.0
    if step < warmup_steps:
        part = (step + start) / warmup_steps
        return {"from-zero": max_lr * part, "from-least": min_lr + (max_lr - min_lr) * part, "none": max_lr}[rising]
    if progress == "of-all":
        done = step / total_steps
    elif progress == "not-shifted":
        done = (step - warmup_steps) / total_steps
    else:
        done = (step - warmup_steps) / (total_steps - warmup_steps)
    done = min(done, 1.0) if clamp else done
    share = {"cosine": 0.5 * (1 + math.cos(pi * done)), "linear": 1 - done, "double": 1 + math.cos(pi * done)}
    share |= {"quarter": math.cos(pi / 2 * done), "sine": 0.5 * (1 + math.sin(pi * done))}
    if floor == "added":
        return min_lr + max_lr * share[way]
    if floor == "clipped":
        return max(min_lr, max_lr * share[way])
    return min_lr + (max_lr - min_lr) * share[way]


def _calls(steps: list[int], *rest: float) -> list[Call]:
    return [Call("cosine_schedule", (step, *rest)) for step in steps]


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "bert-warm-up", "warm-up", cosine_schedule=partial(_schedule, **change))


TASK = Task(
    "cosine-schedule",
    (
        Function(
            "cosine_schedule",
            ("step", "max_lr", "warmup_steps", "total_steps", "min_lr=0.0"),
            (Output("rate", (), "number"),),
        ),
    ),
    {"cosine_schedule": _component},
    {"cosine_schedule": _schedule},
    (
        case(
            "by-hand",
            "手算的例子：峰值 1，预热 2 步，共 10 步",
            "by hand: a peak of 1, 2 steps up, 10 in all",
            *_calls([0, 1, 2, 6, 10], 1.0, 2, 10),
        ),
        case("least", "min_lr 不是 0", "a min_lr above 0", *_calls([0, 3, 5, 8, 17, 20], 0.5, 5, 20, 0.2)),
        case("no-warm-up", "没有预热", "no warm-up", *_calls([0, 1, 4, 7, 8], 0.25, 0, 8, 0.05)),
        case("after-the-end", "超过总步数", "beyond the last step", *_calls([10, 11, 15, 40], 1.0, 2, 10, 0.1)),
        case("one-step-down", "只有一步下降", "a single step down", *_calls([3, 4, 5], 2.0, 4, 5)),
        case(
            "real",
            "6e-4，预热 2,000 步，共 600,000 步",
            "6e-4, 2,000 steps up, 600,000 in all",
            *_calls([1000, 2000, 150_000, 599_000], 6e-4, 2000, 600_000, 6e-5),
        ),
    ),
    (
        _mistake("warm-up-forgotten", "没有预热的余弦学习率", "a cosine rate without warm-up", rising="none"),
        _mistake(
            "warm-up-not-taken-off",
            "进度按 step / total 算、没有扣掉预热的余弦学习率",
            "a cosine rate whose progress is step / total, the warm-up not taken off",
            progress="of-all",
        ),
        _mistake(
            "divided-by-all-steps",
            "扣了预热、却除以总步数的余弦学习率（到不了最低）",
            "a cosine rate divided by all steps, which never gets down",
            progress="not-shifted",
        ),
        _mistake(
            "steps-from-one",
            "预热时把步数当成从 1 数起的余弦学习率",
            "a cosine rate whose warm-up counts from 1",
            start=1,
        ),
        _mistake(
            "warm-up-from-the-least",
            "预热从 min_lr 而不是 0 起步的余弦学习率",
            "a cosine rate whose warm-up begins at min_lr",
            rising="from-least",
        ),
        _mistake(
            "not-clamped",
            "超过总步数后又升回去的余弦学习率",
            "a cosine rate that rises again after the last step",
            clamp=False,
        ),
        _mistake("least-ignored", "没有理会 min_lr 的余弦学习率", "a cosine rate that ignores min_lr", floor="ignored"),
        _mistake(
            "least-added",
            "把 min_lr 直接加上去的余弦学习率（峰值高了）",
            "a cosine rate with min_lr added, so that its peak is too high",
            floor="added",
        ),
        _mistake("least-clipped", "降到 min_lr 就截断的余弦学习率", "a cosine rate cut off at min_lr", floor="clipped"),
        _mistake("half-forgotten", "漏了 ½ 的余弦学习率", "a cosine rate without its ½", way="double"),
        _mistake("quarter-turn", "只走四分之一周期的余弦学习率", "a quarter of a cosine", way="quarter"),
        _mistake(
            "full-turn",
            "走了一整个周期、又升回去的余弦学习率",
            "a whole turn of the cosine, up again at the end",
            pi=2 * math.pi,
        ),
        _mistake("linear", "线性下降的学习率", "a rate that falls in a straight line", way="linear"),
    ),
)
