"""Who does what to whom: a statement is found, and the same statement with its two sides swapped is not."""

from __future__ import annotations

import pytest

from questions.loader import load_shipped
from questions.marking import mark

BANK = {question.id: question for question in load_shipped().questions}
PAIRS = [
    (
        "dpo-ppo-grpo",
        "GRPO 不要价值网络，用一组回答的平均奖励作基线",
        "PPO 不要价值网络，用一组回答的平均奖励作基线，GRPO 才要",
    ),
    (
        "dpo-ppo-grpo",
        "GRPO needs no critic; the group mean is the baseline",
        "PPO needs no critic, its baseline is the group mean; GRPO trains a value model",
    ),
    (
        "dpo-ppo-grpo",
        "PPO 用价值网络估计优势，再裁剪比率",
        "GRPO 用价值网络估计优势，再裁剪比率",
    ),
    (
        "dpo-ppo-grpo",
        "PPO trains a critic for the advantages and clips the ratio",
        "GRPO trains a critic for the advantages and PPO does not",
    ),
    (
        "dpo-ppo-grpo",
        "DPO 是离线的，PPO 和 GRPO 要在线采样",
        "DPO 要在线采样，PPO 和 GRPO 是离线的",
    ),
    (
        "dpo-ppo-grpo",
        "DPO is offline while PPO samples online",
        "DPO samples online while PPO and GRPO are offline",
    ),
    (
        "feed-forward",
        "前馈层占三分之二的参数，注意力占三分之一",
        "注意力占三分之二的参数，前馈层占三分之一",
    ),
    (
        "feed-forward",
        "feed-forward holds two thirds of the parameters and attention one third",
        "attention holds two thirds of the parameters and feed-forward one third",
    ),
    (
        "adam-and-adamw",
        "AdamW 把权重衰减解耦，Adam 加 L2 会被 √v 除",
        "Adam 把权重衰减解耦",
    ),
    (
        "adam-and-adamw",
        "AdamW decouples the decay",
        "Adam decouples the decay",
    ),
    (
        "adam-and-adamw",
        "AdamW 把权重衰减解耦，直接乘在权重上",
        "Adam 把权重衰减解耦，直接乘在权重上，AdamW 不这样",
    ),
    (
        "delta-rule",
        "delta 规则按键取出旧值，减去它，再写入新值",
        "门控按键取出旧值，减去它，再写入新值",
    ),
    (
        "delta-rule",
        "门控让整个状态一起衰减，能一次清空",
        "delta 规则让整个状态一起衰减，能一次清空",
    ),
    (
        "delta-rule",
        "the gate decays the whole state while the delta rule rewrites one entry",
        "the delta rule decays the whole state while the gate rewrites one entry",
    ),
    (
        "delta-rule",
        "The delta rule reads the old value at k and replaces it",
        "the gate reads the old value at k and replaces it; the delta rule decays everything",
    ),
    (
        "delta-rule",
        "线性注意力只会累加",
        "delta 规则只会累加，线性注意力会先减去旧值",
    ),
    (
        "kv-cache",
        "past keys and values are reused while a query is needed once",
        "past queries are reused while keys are needed once",
    ),
    (
        "encoder-decoder-masks",
        "交叉注意力遮源端填充，看整个源句",
        "自注意力遮源端填充，看整个源句",
    ),
    (
        "layer-norm-vs-batch-norm",
        "层归一化沿特征维，批归一化沿批维",
        "批归一化沿特征维，层归一化沿批维",
    ),
    (
        "grouped-query-attention",
        "MQA 所有头共用一组键值，GQA 分组共用",
        "GQA 所有头共用一组键值，MQA 分组共用",
    ),
    (
        "lora",
        "A 随机初始化，B 初始化为零",
        "B 随机初始化，A 初始化为零",
    ),
    (
        "mixed-precision",
        "bf16 的范围和 float32 一样，不用缩放",
        "fp16 的范围和 float32 一样，不用缩放，bf16 要缩放",
    ),
    (
        "prefill-and-decode",
        "预填充卡在算力上，解码卡在带宽上",
        "解码卡在算力上，预填充卡在带宽上",
    ),
    (
        "prefill-and-decode",
        "prefill is compute bound, decoding is bandwidth bound",
        "decoding is compute bound and prefill is bandwidth bound",
    ),
    (
        "speculative-decoding",
        "小模型先写，大模型一遍验证",
        "大模型先写，小模型一遍验证",
    ),
    (
        "speculative-decoding",
        "the small model drafts and the large one verifies",
        "the large model drafts and the small one verifies",
    ),
    (
        "latent-attention",
        "压缩的是键和值，缓存潜在向量",
        "压缩的是查询，缓存完整的键和值",
    ),
    (
        "rope-scaling",
        "高频不动，低频插值",
        "低频不动，高频插值",
    ),
    (
        "rope-scaling",
        "high frequencies stay and low ones are interpolated",
        "low frequencies stay and high ones are interpolated",
    ),
    (
        "expert-balance",
        "偏置只影响选择，不进门控",
        "偏置只进门控，不影响选择",
    ),
    (
        "qk-norm",
        "在每个头的 q 和 k 上做 RMSNorm",
        "在每个头的 v 上做 RMSNorm",
    ),
    (
        "paged-attention",
        "连续批处理完成的退出，新的补上；静态要等最长的",
        "静态批处理完成的退出，新的补上；连续要等最长的",
    ),
    (
        "paged-attention",
        "a static batch waits for the longest",
        "a continuous batch waits for the longest",
    ),
    (
        "training-memory",
        "选择性重算只重算得分",
        "选择性重算只重算权重矩阵",
    ),
    (
        "contrastive-sentence-vectors",
        "温度低时梯度集中在难负例上",
        "温度高时梯度集中在难负例上",
    ),
    (
        "causal-vs-masked-lm",
        "MLM 能看两边，CLM 只看左边",
        "CLM 能看两边，MLM 只看左边",
    ),
    (
        "bert-which-half",
        "BERT 用编码器，GPT 用解码器",
        "BERT 用解码器，GPT 用编码器",
    ),
    (
        "bert-which-half",
        "BERT is an encoder and GPT a decoder",
        "BERT is a decoder and GPT an encoder",
    ),
    (
        "cross-encoder-vs-bi-encoder",
        "双塔可以预先算好向量，交叉编码器要逐对算",
        "交叉编码器可以预先算好向量，双塔要逐对算",
    ),
    (
        "next-sentence-prediction",
        "NSP 的负例是随机句，SOP 的负例是交换顺序",
        "SOP 的负例是随机句，NSP 的负例是交换顺序",
    ),
    (
        "subword-algorithms",
        "BPE 按频率合并，Unigram 从大词表往下删",
        "Unigram 按频率合并，BPE 从大词表往下删",
    ),
    (
        "relative-bias",
        "ALiBi 加一个随距离线性的偏置，T5 用学出来的分桶",
        "T5 加一个随距离线性的偏置，ALiBi 用学出来的分桶",
    ),
    (
        "flash-attention",
        "显存从平方变成线性，运算不变",
        "运算从平方变成线性，显存不变",
    ),
    (
        "linear-attention",
        "线性注意力状态大小固定，softmax 的缓存随长度增长",
        "softmax 的缓存大小固定，线性注意力的状态随长度增长",
    ),
    (
        "pre-ln-vs-post-ln",
        "Pre-LN 可以不预热，Post-LN 必须预热",
        "Post-LN 可以不预热，Pre-LN 必须预热",
    ),
    (
        "sft-mask-and-packing",
        "损失只算回答，提示不算",
        "损失只算提示，回答不算",
    ),
    (
        "sft-mask-and-packing",
        "loss on the answer only, the prompt is masked",
        "loss on the prompt only, the answer is masked",
    ),
    (
        "window-hybrids",
        "多数层用窗口，少数层用全局",
        "多数层用全局，少数层用窗口",
    ),
    (
        "self-cross-target-attention",
        "交叉注意力的查询来自解码器，键值来自编码器",
        "交叉注意力的查询来自编码器，键值来自解码器",
    ),
    (
        "encoder-decoder-masks",
        "因果掩码加在解码器的自注意力上",
        "因果掩码加在编码器的自注意力上",
    ),
]


def _found(id: str, answer: str) -> set[str | None]:
    question = BANK[id]
    marking = mark(answer, question.key_points, question.misconception)
    return {point.id for point, each in zip(question.key_points, marking.points, strict=True) if each.status == "found"}


@pytest.mark.parametrize(("id", "right", "swapped"), PAIRS, ids=lambda value: value if len(value) < 40 else "")
def test_a_swapped_statement_is_not_the_statement(id, right, swapped):
    assert _found(id, right)
    assert not _found(id, swapped)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("GRPO 用一组的均值作基线，不要价值模型", True),
        ("用一组的均值作基线", True),  # nobody is named: it is not another's
        ("GRPO 与 PPO 不同，前者用一组的均值作基线", True),  # who are named together are one
        ("PPO 用价值模型。GRPO 用一组的均值作基线", True),
        ("PPO 用一组的均值作基线", False),
    ],
)
def test_the_nearest_name_in_the_sentence_is_whose_it_is(answer, found):
    assert ("group-baseline" in _found("dpo-ppo-grpo", answer)) is found
