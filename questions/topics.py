"""The topics of the shipped bank, one file each, in the order in which they are learned, and what they are called."""

from __future__ import annotations

from questions.bilingual import Bilingual

TOPICS: dict[str, Bilingual] = {
    "attention": Bilingual("注意力", "attention"),
    "self-attention": Bilingual("自注意力", "self-attention"),
    "attention-variants": Bilingual("注意力的变体", "variants of attention"),
    "multi-head": Bilingual("多头注意力", "multi-head attention"),
    "recurrent": Bilingual("循环网络", "recurrent networks"),
    "seq2seq": Bilingual("序列到序列", "sequence to sequence"),
    "masking": Bilingual("掩码", "masking"),
    "positions": Bilingual("位置编码", "positions"),
    "architecture": Bilingual("架构", "architecture"),
    "parameters": Bilingual("参数与计算量", "parameters and cost"),
    "training": Bilingual("训练", "training"),
    "tokenization": Bilingual("分词", "tokenization"),
    "bert": Bilingual("BERT", "BERT"),
    "decoding": Bilingual("解码", "decoding"),
    "inference": Bilingual("推理", "inference"),
    "long-context": Bilingual("长文本", "long context"),
    "overview": Bilingual("总览", "overview"),
}


def topic_title(topic: str) -> Bilingual:
    """What ``topic`` is called; a topic of a user's own is called what they called it."""
    return TOPICS.get(topic, Bilingual(topic, topic))
