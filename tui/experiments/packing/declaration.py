"""Supervised fine-tuning: several conversations in one row, and a loss on the answers alone."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="packing",
    title=Bilingual("SFT：拼接（packing）与只算回答的损失", "SFT: packing, and a loss on answers alone"),
    summary=Bilingual(
        "一个两层的因果模型（随机权重）读几段“提问 + 回答”：单独读、拼成一行但不隔开、隔开并重置位置，"
        "logits 差多少；损失的梯度落在哪些位置；分批累积时怎样平均才等于一整批。",
        "A causal model of two layers (random weights) reads prompts with answers: alone, packed into rows and not "
        "kept apart, kept apart with positions reset. How far logits differ; at which places the loss has a gradient; "
        "and which average over micro-batches equals that of the whole batch.",
    ),
    knobs=(
        Knob("documents", Bilingual("几段", "documents"), "number", 12, minimum=4, maximum=24, step=4),
        Knob("length", Bilingual("行长 T", "row length T"), "number", 32, minimum=16, maximum=64, step=16),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("no_mask", "隔开的那一路也不隔开", "the masked arm has no document mask"),
        hidden_switch("masked", "不隔开的那一路也隔开", "the unmasked arm has a document mask"),
        hidden_switch("reset", "不重置的那一路也重置", "the arm without reset positions resets them"),
        hidden_switch("no_rope", "RoPE 换成学习的位置", "learned positions in RoPE's place"),
        hidden_switch("one_a_row", "每段独占一行", "one document a row"),
        hidden_switch("everywhere", "损失算在所有位置上", "the loss is taken everywhere"),
        hidden_switch("swap_means", "对调两种平均", "the two averages are swapped"),
    ),
    figures=(
        Drawn("row", Bilingual("一行", "one row"), made.RANDOM_WEIGHTS),
        Drawn("changes", Bilingual("差多少", "changes"), made.RANDOM_WEIGHTS),
        Drawn("loss", Bilingual("损失", "loss"), made.ARRANGED),
        Drawn("waste", Bilingual("浪费", "waste"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "packed-as-alone",
            Bilingual("隔开并重置位置：logits 与单独读的最大差", "Kept apart, positions reset: largest difference of "
                      "the logits from those of each document alone"),
            "<=", BreakKnobs({"no_mask": True}),
        ),
        CheckDeclaration(
            "leak-changes",
            Bilingual("只有因果掩码：行里第二段起，logits 变了百分之几（长度之比）",
                      "Causal mask only: change of the logits from the second document of a row on, % of their length"),
            ">=", BreakKnobs({"masked": True}), unit="%",
        ),
        CheckDeclaration(
            "foreign-weight",
            Bilingual("只有因果掩码：第二段起，注意力落在别的段上的 %",
                      "Causal mask only: attention on other documents, from the second document on, %"),
            ">=", BreakKnobs({"masked": True}), unit="%",
        ),
        CheckDeclaration(
            "positions-matter",
            Bilingual("隔开但不重置位置（学习的位置）：第二段起，logits 变了百分之几",
                      "Kept apart, positions not reset (learned positions): change of the logits, %"),
            ">=", BreakKnobs({"reset": True}), unit="%",
        ),
        CheckDeclaration(
            "rope-indifferent",
            Bilingual("同样不重置，但用 RoPE：logits 的最大差", "The same with RoPE: largest difference of the logits"),
            "<=", BreakKnobs({"no_rope": True}),
        ),
        CheckDeclaration(
            "waste-saved",
            Bilingual("补齐时填充占的 %，减去拼接时填充占的 %",
                      "Padding, % of all places with one document a row, minus that of packed rows"),
            ">=", BreakKnobs({"one_a_row": True}), unit="%",
        ),
        CheckDeclaration(
            "prompts-have-no-gradient",
            Bilingual("提问和填充处，损失对 logits 的最大梯度", "Largest gradient of the loss by the logits at prompts "
                      "and padding"),
            "==", BreakKnobs({"everywhere": True}),
        ),
        CheckDeclaration(
            "sums-over-tokens",
            Bilingual("各小批的损失之和除以总词元数：梯度与一整批的相对差",
                      "Sums of micro-batches over all tokens: gradient against that of the whole batch, relative"),
            "<=", BreakKnobs({"swap_means": True}),
        ),
        CheckDeclaration(
            "mean-of-means-differs",
            Bilingual("各小批的平均再平均：梯度与一整批的相对差 %",
                      "The mean of micro-batches' means: gradient against that of the whole batch, relative, %"),
            ">=", BreakKnobs({"swap_means": True}), unit="%",
        ),
    ),
)  # fmt: skip
