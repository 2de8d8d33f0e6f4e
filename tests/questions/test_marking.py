"""Marking: what is found, what is only mentioned, and what is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.bilingual import Bilingual
from questions.marking import mark
from questions.model import Alternative, KeyPoint, Misconception
from tests.questions.effort import is_linear

VARIANCE = ("方差", "variance", ("std", "sqrt"))
SATURATES = ("饱和", "saturat*", "one-hot")
NO_ORDER = ("不区分顺序", "no order", "没有顺序")
EXPLODES = Misconception(Bilingual("爆炸", "explosion"), ("梯度爆炸", "explod*"))


def point(*match: Alternative) -> KeyPoint:
    return KeyPoint(Bilingual("点", "point"), match)


def status(answer: str, *match: Alternative, misconception: Misconception | None = None) -> str:
    return mark(answer, [point(*match)], misconception).points[0].status


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ("方差会变大", VARIANCE),
        ("方　差", VARIANCE),
        ("ＶＡＲＩＡＮＣＥ", VARIANCE),
        ("Variances grow.", VARIANCE),
        ("the variance's growth", VARIANCE),
        ("std is √d_k", VARIANCE),
        ("it saturates", SATURATES),
        ("One Hot", SATURATES),
        ("會飽和", SATURATES),
        ("不只是饱和", SATURATES),
        ("not only does it saturate", SATURATES),
        ("无论如何都会饱和", SATURATES),
        ("不同的行会饱和", SATURATES),
        ("不是爆炸而是饱和", SATURATES),
        ("不是爆炸，而是饱和", SATURATES),
        ("饱和，而不是爆炸", SATURATES),
        ("饱和而不是爆炸", SATURATES),
        ("it saturates rather than explodes", SATURATES),
        ("it does not explode but saturates", SATURATES),
        ("不缩放会让 softmax 饱和", SATURATES),
        ("不缩放时 softmax 就饱和", SATURATES),
        ("没有缩放的话会饱和", SATURATES),
        ("without scaling the softmax saturates", SATURATES),
        ("without scaling, the softmax saturates", SATURATES),
        ("not scaling makes it saturate", SATURATES),
        ("no scaling means saturation", SATURATES),
        ("不缩放所以饱和", SATURATES),
        ("没有爆炸，但饱和了", SATURATES),
        ("有限的精度（不是 float32）下会饱和", SATURATES),
        ("它不区分顺序", NO_ORDER),
        ("it has no order", NO_ORDER),
        ("会饱和吗？会饱和。", SATURATES),
        ("它不饱和。错了，它饱和。", SATURATES),
    ],
)
def test_found(answer, match):
    assert status(answer, *match) == "found"


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ("方差不会随 d_k 变大", VARIANCE),
        ("方差没有变化", VARIANCE),
        ("方差跟 d_k 无关", VARIANCE),
        ("并非因为方差", VARIANCE),
        ("the variance does not grow", VARIANCE),
        ("the variance doesn’t grow", VARIANCE),
        ("the variance doesnt grow", VARIANCE),
        ("it has nothing to do with the variance", VARIANCE),
        ("neither the mean nor the variance", VARIANCE),
        ("std is never sqrt(d_k)", VARIANCE),
        ("不饱和", SATURATES),
        ("並沒有飽和", SATURATES),
        ("不是饱和而是爆炸", SATURATES),
        ("爆炸，而不是饱和", SATURATES),
        ("爆炸而非饱和", SATURATES),
        ("explosion rather than saturation", SATURATES),
        ("explosion instead of saturation", SATURATES),
        ("我不认为缩放时会饱和", SATURATES),
        ("不保证就会饱和", SATURATES),
        ("no saturation happens", SATURATES),
        ("without saturation", SATURATES),
        ("会饱和吗？", SATURATES),
        ("Does it saturate?", SATURATES),
        ("注意力没有不区分顺序", NO_ORDER),
    ],
)
def test_only_mentioned(answer, match):
    assert status(answer, *match) == "unsure"


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ("", VARIANCE),
        ("   \n", VARIANCE),
        ("🙂🙂", VARIANCE),
        ("协方差", VARIANCE),
        ("covariance and invariance", VARIANCE),
        ("variancevariance", VARIANCE),
        ("std, and later sqrt", VARIANCE),  # not in one clause
        ("an unsaturated fat", SATURATES),
        ("order", NO_ORDER),
    ],
)
def test_missed(answer, match):
    assert status(answer, *match) == "missed"


FORMULA = ("softmax(Q Kᵀ / √d_k) V",)
SWAPPED = ("Post-LN -> LN(x + f(x))",)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        # notation is one
        ("softmax(QK^T/sqrt(d_k))V", FORMULA),
        (r"$\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$", FORMULA),
        (r"\text{softmax}(\frac{Q K^{T}}{\sqrt{d_{k}}}) V", FORMULA),
        ("softmax((QKᵀ)/√dₖ)·V", FORMULA),
        ("softmax(Q @ K.T / sqrt(d_head)) @ V", FORMULA),
        ("softmax(q k.transpose(-2, -1) / sqrt(d_k)) v", FORMULA),
        ("divide by the square root of d_k", ("除以 √d_k",)),
        ("再除 d_k 的平方根", ("divide by sqrt(d_k)",)),
        ("除以根号 d_k", ("/ √d_k",)),
        ("8nd² 次", ("8 n d^2",)),
        ("n 的平方", ("n²",)),
        ("n squared", ("n^2",)),
        ("把填充处的得分置为 −∞", (("填充", "负无穷"),)),
        # numbers are one
        ("四倍", ("4x",)),
        ("4 times as many", ("四倍",)),
        ("four times", ("4 倍",)),
        ("twelve layers", ("12 层",)),
        ("十二层", ("twelve layers",)),
        ("百分之十五", ("15 %",)),
        ("fifteen percent", ("15%",)),
        ("一点一亿，即 1.1 亿", ("110M",)),
        ("110 million", ("1.1 亿",)),
        ("三分之二", ("two thirds",)),
        ("one over root d_k", ("1/√d_k",)),
        ("预热一万步", ("预热 10k 步",)),
        ("over the first ten thousand steps", ("first 1 万 steps",)),
        # languages, scripts, inflection
        ("the variance grows", (("方差", "变大"),)),
        ("方差越來越大", (("variance", "grow"),)),
        ("skip connections", ("残差",)),
        ("normalised", ("normalize",)),
        ("the optimum is guaranteed", (("确保", "最优"),)),
        # cures are assertions
        ("除以标准差之后 softmax 不会饱和", SATURATES),
        ("除以标准差之后 softmax 不会饱和", ("除以标准差",)),
        # what is denied ends where something else begins
        ("高频不动、低频做插值", (("低频", "插值"),)),
        ("把不能看的位置填成负无穷", (("位置", "负无穷"),)),
        ("set minus infinity where you should not look", ("minus infinity",)),
        ("不用 FlashAttention 的话得分是 n²", (("得分", "n²"),)),
        ("不采样不要奖励模型", ("不要奖励模型",)),
        ("旧词的键不会因为来了新词而改变", (("~ 改变", "键"),)),
        ("don't forget to divide by the std", ("divide by the std",)),
        ("it needs no critic and no reward model", ("no critic",)),
        # what is denied before a colon ends there
        ("每行的和不再是 1：留下的除以 1 − p", ("除以 1 − p",)),
        ("rows do not sum to one: the survivors are scaled up", (("survivors", "scaled"),)),
        ("after scaling it doesn't saturate", SATURATES),
        ("Divide by √d_k so that it does not saturate", SATURATES),
        ("加了负载均衡损失，路由就不会塌缩", ("坍塌",)),
        ("with bytes there is no UNK", ("未登录词",)),
        ("it emits UNK for characters it hasn't seen", (("unk", "没见过"),)),
        ("看 f(ax) 等不等于 a f(x)", (("f(ax)", "a f(x)"),)),
        ("Instead of a one-hot target you spread ε", (("spread", "ε"),)),
        ("without it you'd recompute everything", ("recompute",)),
        # who does what
        ("Post-LN 是 LN(x+f(x))，Pre-LN 是 x+f(LN(x))", SWAPPED),
        ("post-norm: LayerNorm(x + Sublayer(x))", SWAPPED),
        ("the decoder's queries attend to the encoder's keys", (("decoder", "query"),)),
        ("Q 来自 decoder，K、V 来自 encoder", (("Q", "decoder"),)),
        ("K and V come from the encoder", (("K", "encoder"),)),
        ("前馈层 8d²，注意力 4d²", ("前馈 -> 8d²",)),
        ("batch norm depends on other samples and layer norm does not", ("BN -> 依赖",)),
        ("GRPO is like PPO but samples a group", (("GRPO", "group"),)),
        ("连续批处理解决静态批的问题，谁完谁走", ("连续批处理 -> 谁完谁走",)),
        ("vanishing gradients, not the loss", (("gradient", "vanish"),)),
        ("every token except the prompt counts", ("every token",)),
        # what is to be denied
        ("不能直接 reshape 成 [h, T, d]", ("~ 直接 reshape",)),
        ("you can't reshape directly", ("~ reshape directly",)),
        ("beam search isn't exact", (("beam", "~ exact"),)),
        ("Never scale by √d_model", ("scale -> x", "~ scale by √d_model")),
        # apart
        ("除以 d_k 的话，分数太小，权重就均匀了", (("除以 d_k", "...", "uniform"),)),
    ],
)
def test_what_the_marker_knows(answer, match):
    assert status(answer, *match) == "found"


@pytest.mark.parametrize(
    ("answer", "match", "expected"),
    [
        ("softmax 不会饱和", SATURATES, "unsure"),
        ("Even after scaling it does not saturate", SATURATES, "unsure"),
        ("不缩放也不会饱和", SATURATES, "unsure"),
        ("我不认为缩放之后会饱和", SATURATES, "unsure"),
        ("两者不等价", ("等价",), "unsure"),
        ("残差不只是为了梯度", ("只是为了梯度",), "unsure"),
        ("not only for the gradient", (("only", "gradient"),), "unsure"),
        ("只减均值不做除法", ("~ 减均值",), "missed"),
        ("rows stop summing to one", ("sum to one",), "unsure"),
        ("每一步都要算", ("一步",), "missed"),
        ("协方差很大", ("variance",), "missed"),
        ("use layer normalization", ("normalize",), "missed"),
        ("directional attention", ("direct attention",), "missed"),
        ("Pre-LN 是 LN(x + f(x))，Post-LN 是 x + f(LN(x))", SWAPPED, "missed"),
        ("queries from the encoder and keys and values from the decoder", (("decoder", "query"),), "missed"),
        ("Q 来自编码器，K、V 来自解码器", (("Q", "decoder"),), "missed"),
        ("前馈层 4d²，注意力 8d²", ("前馈 -> 8d²",), "missed"),
        ("层归一化依赖批里的其他样本，批归一化不依赖", ("BN -> 依赖",), "unsure"),
        ("RNN 的状态随长度增长，KV cache 是固定大小的", (("KV cache", "增长"),), "missed"),
        ("键变大、查询变小", (("query", "变大"),), "missed"),
        ("直接 reshape 就行", ("~ 直接 reshape",), "missed"),
        ("beam search is exact", (("beam", "~ exact"),), "missed"),
        ("除以 d_k。权重均匀", (("除以 d_k", "...", "uniform"),), "missed"),
        ("除以 d_k 的话，权重均匀", (("除以 d_k", "uniform"),), "missed"),
    ],
)
def test_what_is_not_said(answer, match, expected):
    assert status(answer, *match) == expected


def test_a_misconception_that_is_cured_is_still_denied():
    marking = mark("因为有界，所以梯度不会爆炸", [], EXPLODES)
    assert marking.misconception is not None and marking.misconception.status == "unsure"


def test_the_words_are_those_that_were_typed():
    answer = "我觉得 d_k 大了，ＳＴＤ 就是 √d_k（方差 d_k）。"
    (found,) = mark(answer, [point(("std", "√d_k"))]).points
    assert [answer[start:stop] for start, stop in found.spans] == ["ＳＴＤ", "√d_k"]
    (found,) = mark(answer, [point("方差")]).points
    assert [answer[start:stop] for start, stop in found.spans] == ["方差"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("方差变大", ("found", "missed")),
        ("方差变大，导致梯度爆炸", ("unsure", "found")),
        ("会梯度爆炸。方差变大。", ("found", "found")),  # another sentence
        ("方差变大，不是梯度爆炸", ("found", "unsure")),
        ("The variance grows and gradients explode", ("unsure", "found")),
    ],
)
def test_in_one_breath_with_the_misconception_nothing_is_found(answer, expected):
    marking = mark(answer, [point(*VARIANCE)], EXPLODES)
    assert marking.misconception is not None
    assert (marking.points[0].status, marking.misconception.status) == expected


def test_found_counts_what_is_found():
    assert mark("方差, saturation", [point(*VARIANCE), point(*SATURATES), point("x")]).found == 2


POINTS = [point(*VARIANCE), point(*SATURATES), point(*NO_ORDER)]


@given(st.text(max_size=200))
def test_no_answer_raises(answer):
    marking = mark(answer, POINTS, EXPLODES)
    for found in marking.points:
        assert all(0 <= start < stop <= len(answer) for start, stop in found.spans)
        assert bool(found.spans) == (found.status != "missed")


@given(st.text(alphabet="不没有是而方差饱和，。 not but variance saturates?()", max_size=60))
def test_no_mixture_of_cues_raises(answer):
    mark(answer, POINTS, EXPLODES)


@pytest.mark.parametrize(
    "piece",
    ["方差不会变大 ", "不方差", "not variance ", "std ", "方差，", "(不方差", "saturates but not ", "梯度爆炸。方差"],
)
def test_the_work_grows_with_the_length(piece):
    assert is_linear(lambda answer: mark(answer, POINTS, EXPLODES), piece)
