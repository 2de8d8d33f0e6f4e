"""Masks of padding, [B, 1, 1, T], with the causal triangle [B, 1, T, T], and a softmax in which a blind row gives 0."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _padding_component(ids: Any, pad_id: int) -> Any:
    import mlxformer as mf

    return mf.masks.padding(ids != pad_id)


def _decoder_component(ids: Any, pad_id: int) -> Any:
    import mlxformer as mf

    return mf.masks.combine(mf.masks.causal(ids.shape[1], ids.shape[1]), mf.masks.padding(ids != pad_id))


def _softmax_component(scores: Any, mask: Any) -> Any:
    """The weights of queries that are the scores, on keys that are the unit vectors."""
    import mlxformer as mf
    from mlxformer.backend import mx

    count = scores.shape[-1]
    keys = mx.broadcast_to(mx.eye(count).astype(scores.dtype), (*scores.shape[:2], count, count))
    return mf.attention_weights(scores, keys, scale=1.0, mask=mask)


def _padding(ids: Any, pad_id: int, *, inverted: bool = False, fixed: bool = False, axis: str = "keys") -> Any:
    """The right mask; each argument after the contract's is a mistake."""
    real = ids > 0 if fixed else ids != pad_id
    real = ~real if inverted else real
    return {
        "keys": lambda: real[:, None, None, :],
        "queries": lambda: real[:, None, :, None],
        "both": lambda: real[:, None, None, :] & real[:, None, :, None],
        "flat": lambda: real,
    }[axis]()


def _decoder(ids: Any, pad_id: int, *, triangle: str = "lower", join: Any = np.logical_and, **change: Any) -> Any:
    ones = np.ones((ids.shape[1], ids.shape[1]), bool)
    seen = {"lower": np.tril(ones), "upper": np.triu(ones), "strict": np.tril(ones, -1), "none": ones}[triangle]
    return join(seen, _padding(ids, pad_id, **change))


def _softmax(scores: Any, mask: Any, *, how: str = "right", shift: bool = True) -> Any:
    """The right weights; each argument after the contract's is a mistake."""
    seen = np.broadcast_to(~mask if how == "inverted" else mask, scores.shape)
    least = np.finfo(scores.dtype).min
    if how == "minus-infinity":
        scores = np.where(seen, scores, -np.inf)
    elif how == "minus-1e9":
        scores = np.where(seen, scores, np.asarray(-1e9).astype(scores.dtype))
    elif how == "multiplied":
        scores = scores * seen
    elif how != "after":
        scores = np.where(seen, scores, least)
    scores = look("masked", scores)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True)) if shift else np.exp(scores)
    weights = powers / powers.sum(axis=-1, keepdims=True)
    if how in ("right", "inverted", "after", "minus-1e9"):
        weights = weights * seen if how == "minus-1e9" else np.where(seen, weights, 0).astype(weights.dtype)
    return look("weights", weights)


_IDS = np.array([[5, 7, 3, 3, 0, 0], [2, 0, 9, 1, 4, 0], [3, 3, 3, 3, 3, 3]])


def _ids(function: str, ids: Any, pad_id: int) -> Call:
    return Call(function, (np.array(ids), pad_id))


def _weigh(scores: np.ndarray, mask: Any) -> Call:
    return Call("masked_softmax", (scores, np.array(mask, bool)))


def _mistake(name: str, zh: str, en: str, padding: Any = None, decoder: Any = None, softmax: Any = None) -> Any:
    functions = {"padding_mask": padding, "decoder_mask": decoder, "masked_softmax": softmax}
    where = (
        ("encoder-decoder-masks", "leak-tester") if padding is None and softmax is None else ("padding-mask", "padding")
    )
    return mistake(name, zh, en, *where, **{key: value for key, value in functions.items() if value})


def _both(name: str, zh: str, en: str, **change: Any) -> Any:
    return _mistake(name, zh, en, partial(_padding, **change), partial(_decoder, **change))


_BLIND = np.array([[[[True, False, True], [False] * 3, [True] * 3]]])
_LARGE = np.array([[[[1e4, 9e3, -1e4], [-1e4, -9e3, 1e4], [0, 5e3, 1e4]]]], F32)
_SEEN = np.random.default_rng(3).random((2, 1, 4, 6)) < 0.6

TASK = Task(
    "padding-mask",
    (
        Function("padding_mask", ("ids", "pad_id"), (Output("mask", ("batch", "head", "query", "key"), dtype="bool"),)),
        Function("decoder_mask", ("ids", "pad_id"), (Output("mask", ("batch", "head", "query", "key"), dtype="bool"),)),
        Function("masked_softmax", ("scores", "mask"), (Output("weights", ("batch", "head", "query", "key")),)),
    ),
    {
        "padding_mask": lifted(_padding_component),
        "decoder_mask": lifted(_decoder_component),
        "masked_softmax": lifted(_softmax_component),
    },
    {"padding_mask": _padding, "decoder_mask": _decoder, "masked_softmax": _softmax},
    (
        case("by-hand", "手算的例子", "an example by hand", _ids("padding_mask", [[5, 6, 0]], 0)),
        case("decoder-by-hand", "解码器：手算的例子", "the decoder's, by hand", _ids("decoder_mask", [[5, 6, 0]], 0)),
        case(
            "softmax-by-hand",
            "softmax：手算的例子，第二行什么也看不到",
            "the softmax, by hand; the second row sees nothing",
            _weigh(np.array([[[[0, 7, np.log(3)], [1, 2, 3], [0, 0, 0]]]], F32), _BLIND),
        ),
        case("batch", "一批", "a batch", _ids("padding_mask", _IDS, 0)),
        case("other-pad", "pad_id = 3", "pad_id = 3", _ids("padding_mask", _IDS, 3)),
        case("decoder-batch", "解码器：一批", "the decoder's, a batch", _ids("decoder_mask", _IDS, 0)),
        case("decoder-other-pad", "解码器：pad_id = 3", "the decoder's, pad_id = 3", _ids("decoder_mask", _IDS, 3)),
        case("square", "B = T", "B = T", _ids("padding_mask", _IDS[:, :3], 3)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _ids("padding_mask", [[4]], 0)),
        case(
            "decoder-one-token", "解码器：B = 1，T = 1", "the decoder's, B = 1, T = 1", _ids("decoder_mask", [[4]], 0)
        ),
        case(
            "softmax-odd-shape", "softmax：奇数形状", "the softmax, an odd shape", _weigh(drawn(1, 2, 3, 4, 6), _SEEN)
        ),
        case(
            "softmax-padding",
            "softmax：填充掩码",
            "the softmax under padding",
            _weigh(drawn(2, 3, 2, 5, 6), (_IDS != 3)[:, None, None]),
        ),
        case("softmax-large", "softmax：大到 ±1e4", "the softmax to ±1e4", _weigh(_LARGE, _BLIND)),
        case(
            "softmax-float16",
            "softmax：float16",
            "the softmax in float16",
            _weigh(unit(4, 1, 2, 3, 3), _BLIND),
            dtype="float16",
        ),
    ),
    (
        _both("mask-inverted", "True 标成填充的掩码（正好相反）", "a mask that is True at padding", inverted=True),
        _both("pad-id-ignored", "没看 pad_id、只认 0 的掩码", "a mask that ignores pad_id and takes 0", fixed=True),
        _both("queries-masked", "挡在查询一侧、没挡键的掩码", "a mask on the queries, not on the keys", axis="queries"),
        _mistake(
            "both-sides-masked",
            "查询和键都挡的填充掩码（填充的行就什么也看不到了）",
            "a padding mask on queries and keys, which leaves padded rows blind",
            partial(_padding, axis="both"),
        ),
        _mistake(
            "axes-missing",
            "形状还是 [B, T] 的填充掩码",
            "a padding mask still shaped [B, T]",
            partial(_padding, axis="flat"),
        ),
        _mistake(
            "triangle-transposed",
            "三角上下颠倒的解码器掩码",
            "a decoder mask with the other triangle",
            None,
            partial(_decoder, triangle="upper"),
        ),
        _mistake(
            "own-token-masked",
            "看不到自己的解码器掩码",
            "a decoder mask in which a token does not see itself",
            None,
            partial(_decoder, triangle="strict"),
        ),
        _mistake(
            "triangle-forgotten",
            "没有因果三角的解码器掩码",
            "a decoder mask without the causal triangle",
            None,
            partial(_decoder, triangle="none"),
        ),
        _mistake(
            "joined-by-or",
            "用“或”合并的解码器掩码",
            "a decoder mask joined by or, not by and",
            None,
            partial(_decoder, join=np.logical_or),
        ),
        _mistake(
            "row-of-nan",
            "什么也看不到的行成了 NaN 的 softmax",
            "a softmax with NaN where a row sees nothing",
            None,
            None,
            partial(_softmax, how="minus-infinity"),
        ),
        _mistake(
            "blind-row-averages",
            "什么也看不到的行变成平均的 softmax",
            "a softmax that is even where a row sees nothing",
            None,
            None,
            partial(_softmax, how="finite"),
        ),
        _mistake(
            "minus-1e9-in-float16",
            "在 float16 里用 −1e9 填充的 softmax",
            "a softmax filled with −1e9 in float16",
            None,
            None,
            partial(_softmax, how="minus-1e9"),
        ),
        _mistake(
            "mask-after-softmax",
            "softmax 之后才加掩码、没有归一的权重",
            "weights masked after the softmax, not renormalized",
            None,
            None,
            partial(_softmax, how="after"),
        ),
        _mistake(
            "mask-multiplied",
            "拿掩码去乘得分的 softmax",
            "a softmax of scores multiplied by the mask",
            None,
            None,
            partial(_softmax, how="multiplied"),
        ),
        _mistake(
            "softmax-mask-inverted",
            "掩码用反了的 softmax",
            "a softmax with its mask inverted",
            None,
            None,
            partial(_softmax, how="inverted"),
        ),
        _mistake(
            "no-maximum-subtracted",
            "没有先减最大值的 softmax",
            "a softmax with no maximum subtracted",
            None,
            None,
            partial(_softmax, shift=False),
        ),
    ),
)
