"""The house's words for the tensors of a trace and for their axes; their names in the library stay beside them."""

from __future__ import annotations

from questions.bilingual import Bilingual, Language

AXES = {
    "batch": "批",
    "time": "位置",
    "model": "宽",
    "head": "头",
    "kv_head": "键值头",
    "query": "查询",
    "key": "键",
    "dim": "维",
    "ffn": "隐藏单元",
    "vocab": "词表",
    "label": "标签",
}
STEPS = {
    "input": "输入",
    "output": "输出",
    "queries": "查询",
    "keys": "键",
    "values": "值",
    "turned_queries": "旋转后的查询",
    "turned_keys": "旋转后的键",
    "scores": "得分",
    "scaled": "缩放后",
    "masked": "掩码后",
    "capped": "截断后",
    "weights": "权重",
    "dropped_weights": "丢弃后的权重",
    "heads": "各头",
    "concatenated": "拼起来",
    "logits": "logits",
    "hidden": "隐藏单元",
    "activated": "激活后",
    "gates": "门",
    "gate": "门",
    "state": "状态",
    "cell": "细胞状态",
    "context": "上下文向量",
    "annotations": "源的表示",
    "latents": "潜向量",
    "position": "位置",
    "source_tokens": "源词元的嵌入",
    "target_tokens": "目标词元的嵌入",
    "after_self_attention": "自注意力之后",
    "after_cross_attention": "交叉注意力之后",
    "normalized": "归一化后",
    "forget_gate": "遗忘门",
    "input_gate": "输入门",
    "output_gate": "输出门",
    "update_gate": "更新门",
    "reset_gate": "重置门",
}


def axis_word(axis: str, language: Language) -> str:
    """``query`` as 查询; an axis that has no word stays as it is."""
    return AXES.get(axis, axis) if language == "zh" else axis


def axis_label(axis: str) -> Bilingual:
    return Bilingual(axis_word(axis, "zh"), axis)


def step_label(path: str) -> Bilingual:
    """A step's path, and in Chinese what its last name means."""
    word = STEPS.get(path.split(" ")[0].rsplit(".", 1)[-1], "")
    return Bilingual(f"{path}  {word}".rstrip() if word != path else path, path)
