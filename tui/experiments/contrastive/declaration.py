"""Sentence vectors by contrast: what negatives are for, what the temperature does, why accumulation is no batch."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="contrastive",
    title=Bilingual("对比学习句向量：负例和温度", "Contrastive sentence vectors: negatives and temperature"),
    summary=Bilingual(
        "自带的 bert-mini 的句向量（冻结）上训练一个线性映射：同一段的两句是正例，批内其他是负例（InfoNCE）。"
        "在训练集之外的段落上看：同段的两句是否更近，去掉负例会怎样，温度把梯度放在哪里。",
        "A linear map is trained on frozen sentence vectors of bert-mini, which ships: two verses of one passage are a "
        "positive pair, the rest of the batch negatives (InfoNCE). On held-out passages: are verses of one passage "
        "closer, what happens without negatives, and where the temperature puts the gradient.",
    ),
    knobs=(
        Knob("temperature", Bilingual("温度 τ", "temperature τ"), "choice", "0.1", choices=(
            Choice("0.05", "0.05"), Choice("0.1", "0.1"), Choice("0.2", "0.2"),
        )),
        Knob("batch", Bilingual("批大小 N", "batch size N"), "number", 32, minimum=8, maximum=32, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("positives_only", "有负例的那一路也去掉负例", "no negatives in the arm that has them"),
        hidden_switch("with_negatives", "没有负例的那一路也用负例", "negatives in the arm that has none"),
        hidden_switch("hot", "低温换成 1", "a temperature of 1 for the low one"),
        hidden_switch("unlike", "不用相同的向量", "vectors that differ"),
    ),
    figures=(
        Drawn("auc", Bilingual("更近", "closer"), made.BERT_MINI_FURTHER),
        Drawn("cosines", Bilingual("余弦", "cosines"), made.BERT_MINI_FURTHER),
        Drawn("temperature", Bilingual("温度", "temperature"), made.BERT_MINI_BEFORE),
    ),
    checks=(
        CheckDeclaration(
            "all-alike-is-ln-n",
            Bilingual("所有向量都相同时的 InfoNCE，与 ln N 之差", "InfoNCE where all vectors are one, minus ln N"),
            "==", BreakKnobs({"unlike": True}),
        ),
        CheckDeclaration(
            "held-out-auc",
            Bilingual("训练集之外：同段的两句比不同段的更近，占 %（瞎猜 50）",
                      "Held out: two verses of one passage are closer than two of different ones, % (chance 50)"),
            ">=", BreakKnobs({"positives_only": True}), unit="%",
        ),
        CheckDeclaration(
            "negatives-matter",
            Bilingual("同一个数，减去没有负例时的", "The same, less that without negatives, percentage points"),
            ">=", BreakKnobs({"positives_only": True}), unit="%",
        ),
        CheckDeclaration(
            "collapse",
            Bilingual("没有负例：不同段两句的平均余弦",
                      "Without negatives: mean cosine of verses of different passages"),
            ">=", BreakKnobs({"with_negatives": True}),
        ),
        CheckDeclaration(
            "spread",
            Bilingual("有负例：不同段两句的平均余弦", "With negatives: mean cosine of verses of different passages"),
            "<=", BreakKnobs({"positives_only": True}),
        ),
        CheckDeclaration(
            "low-looks-at-hardest",
            Bilingual("τ = 0.05：负例的梯度落在最难的那个上的 %，减去 τ = 1 时的",
                      "τ = 0.05: share of the negatives' gradient at the hardest one, less that at τ = 1, points"),
            ">=", BreakKnobs({"hot": True}), unit="%",
        ),
        CheckDeclaration(
            "accumulation-differs",
            Bilingual("分成两半累积：梯度与一整批的相对差 %",
                      "Accumulated over two halves: gradient against that of the whole batch, relative, %"),
            ">=", BreakKnobs({"positives_only": True}), unit="%",
        ),
    ),
)  # fmt: skip
