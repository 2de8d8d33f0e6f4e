"""BERT's masking: 80 % of the chosen become [MASK], 10 % a random token, 10 % stay. Other labels are −100."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, mistake

IGNORED = -100


class _Given:
    """The numbers that ``mask_tokens`` would draw, in its order."""

    def __init__(self, lots: Any, kinds: Any, places: Any) -> None:
        self._numbers, self._places = [lots, kinds], places

    def random(self, shape: Any) -> Any:
        return self._numbers.pop(0)

    def integers(self, low: int, high: int, shape: Any) -> Any:
        return self._places


def _component(
    ids: Any, special: Sequence[int], mask_id: int, choose: Any, kind: Any, random_ids: Any, rate: float = 0.15
) -> Any:
    import mlxformer as mf

    vocab = int(max(ids.max(), random_ids.max(), mask_id, *special)) + 1
    ordinary = np.setdiff1d(np.arange(vocab), special)
    given: Any = _Given(choose, kind, np.searchsorted(ordinary, random_ids))
    masked = mf.mask_tokens(ids, given, rate=rate, special=special, mask_id=mask_id, vocab_size=vocab)
    labels = np.where(masked.predicted, ids, IGNORED)
    return masked.input_ids.astype(ids.dtype), labels


def _mask(
    ids: Any,
    special: Sequence[int],
    mask_id: int,
    choose: Any,
    kind: Any,
    random_ids: Any,
    rate: float = 0.15,
    *,
    spare: bool = True,
    split: tuple[float, float] = (0.8, 0.9),
    label: str = "chosen",
    fixed: bool = False,
    reverse: bool = False,
    lot: str = "own",
) -> Any:
    """The right masking; each argument after the contract's is a mistake."""
    rate = 0.15 if fixed else rate
    chosen = choose > rate if reverse else choose < rate
    if spare:
        chosen = chosen & ~np.isin(ids, list(special))
    chosen = look("chosen", chosen)
    if lot == "choose":  # the number that chose, used once more: it is below 15 % and so below 80 %
        kind = choose
    masked = chosen & (kind < split[0])
    replaced = chosen & (kind >= split[0]) & (kind < split[1])
    inputs = np.where(masked, mask_id, np.where(replaced, random_ids, ids))
    labels = {
        "chosen": np.where(chosen, ids, IGNORED),
        "everywhere": ids,
        "masked": np.where(masked, ids, IGNORED),
        "changed": np.where(masked | replaced, ids, IGNORED),
        "zero": np.where(chosen, ids, 0),
        "inputs": np.where(chosen, inputs, IGNORED),
    }[label]
    return inputs.astype(ids.dtype), labels.astype(ids.dtype)


_SPECIAL = [0, 1, 2, 3]  # [PAD], [CLS], [SEP], [MASK]


def _call(seed: int, batch: int, length: int, vocab: int = 40, rate: float | None = None) -> Call:
    generator = np.random.default_rng(seed)
    ids = generator.integers(4, vocab, (batch, length))
    ids[:, 0], ids[:, -1] = 1, 2
    ids[-1, length * 3 // 4 :] = 0
    choose, kind = (generator.random((batch, length), dtype=F32) for _ in range(2))
    # Each row has all three kinds, a special token that the lot would choose, and no number near an edge.
    choose[:, ::3] *= F32(0.1)
    kind = np.where(np.abs(kind - 0.85) < 0.07, F32(0.84), kind)
    kind[:, 3::6], kind[:, 6::12] = F32(0.86), F32(0.95)
    arrays = (ids, _SPECIAL, 3, choose, kind, generator.integers(4, vocab, (batch, length)))
    return Call("mask_tokens", arrays, {} if rate is None else {"rate": rate})


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "masking-rate", "masking-rate", mask_tokens=partial(_mask, **change))


_HAND = Call(
    "mask_tokens",
    (
        np.array([[1, 7, 8, 9, 6, 2]]),
        _SPECIAL,
        3,
        np.array([[0.01, 0.1, 0.05, 0.14, 0.5, 0.02]], F32),
        np.array([[0.1, 0.3, 0.85, 0.95, 0.1, 0.1]], F32),
        np.array([[20, 21, 22, 23, 24, 25]]),
    ),
)
_WHOLE = ("batch", "time")

TASK = Task(
    "bert-masking",
    (
        Function(
            "mask_tokens",
            ("ids", "special", "mask_id", "choose", "kind", "random_ids", "rate=0.15"),
            (Output("input_ids", _WHOLE, dtype="integer"), Output("labels", _WHOLE, dtype="integer")),
        ),
    ),
    {"mask_tokens": _component},
    {"mask_tokens": _mask},
    (
        case("by-hand", "手算的例子：遮住、换掉、保留各一个", "by hand: one masked, one replaced, one kept", _HAND),
        case("batch", "一批", "a batch", _call(1, 3, 24)),
        case("one-row", "B = 1", "B = 1", _call(2, 1, 20)),
        case("short", "很短的句子", "a short row", _call(3, 2, 4)),
        case("rate-40", "比例 0.4", "a rate of 0.4", _call(4, 2, 24, rate=0.4)),
        case("rate-0", "比例 0：什么也不选", "a rate of 0: nothing is chosen", _call(5, 2, 12, rate=0.0)),
        case("rate-1", "比例 1：都选", "a rate of 1: all are chosen", _call(6, 2, 24, rate=1.0)),
        case(
            "one-token",
            "只有一个词元，是特殊的",
            "one token, which is special",
            Call(
                "mask_tokens",
                (np.array([[1]]), _SPECIAL, 3, np.array([[0.01]], F32), np.array([[0.5]], F32), np.array([[9]])),
            ),
        ),
    ),
    (
        _mistake(
            "all-masked",
            "选中的全换成 [MASK]、没有 80/10/10 的遮盖",
            "masking that puts [MASK] on all it chooses, without 80/10/10",
            split=(1.0, 1.0),
        ),
        _mistake(
            "never-kept",
            "选中的不是遮住就是换掉、没有保留的遮盖",
            "masking that keeps none of what it chooses",
            split=(0.8, 1.0),
        ),
        _mistake("never-replaced", "没有随机替换的遮盖", "masking without random tokens", split=(0.8, 0.8)),
        _mistake(
            "shares-of-all",
            "把 10 % 遮住、80 % 换掉的遮盖（比例用反）",
            "masking that masks 10 % and replaces 80 %",
            split=(0.1, 0.9),
        ),
        _mistake(
            "special-tokens-masked",
            "连 [CLS]、[SEP]、[PAD] 也会遮的遮盖",
            "masking that may choose [CLS], [SEP] and [PAD]",
            spare=False,
        ),
        _mistake(
            "labels-everywhere",
            "每个词元都算损失、没有 −100 的遮盖",
            "masking whose labels are everywhere, without −100",
            label="everywhere",
        ),
        _mistake(
            "labels-of-the-masked-only",
            "只有 [MASK] 处有标签的遮盖（换掉和保留的漏了）",
            "masking whose labels are at [MASK] only, not at what was replaced or kept",
            label="masked",
        ),
        _mistake(
            "labels-of-the-changed-only",
            "原样保留的 10 % 没有标签的遮盖",
            "masking without labels at the 10 % that are kept",
            label="changed",
        ),
        _mistake(
            "ignored-label-zero",
            "没选中处标成 0 而不是 −100 的遮盖",
            "masking whose labels are 0, not −100, where nothing was chosen",
            label="zero",
        ),
        _mistake(
            "labels-after-masking",
            "标签取了遮盖之后的 id 的遮盖",
            "masking whose labels are the ids after masking",
            label="inputs",
        ),
        _mistake(
            "rate-ignored", "没有理会 rate、总是 0.15 的遮盖", "masking that ignores rate and takes 0.15", fixed=True
        ),
        _mistake(
            "chosen-above-the-rate",
            "比较写反、选中 85 % 的遮盖",
            "masking that chooses the 85 % above the rate",
            reverse=True,
        ),
        _mistake(
            "one-lot-for-both",
            "用同一个随机数选中又分类的遮盖（于是全成 [MASK]）",
            "masking that uses one number both to choose and to sort, so that all become [MASK] at 15 %",
            lot="choose",
        ),
    ),
)
