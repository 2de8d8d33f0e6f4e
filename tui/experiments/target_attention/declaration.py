"""Self-, cross- and target attention on one shopping history: who asks, and whether the weights are normalized."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="target-attention",
    title=Bilingual("自注意力、交叉注意力、目标注意力", "Self-, cross- and target attention"),
    summary=Bilingual(
        "一段购物历史，三种问法：历史自己问自己（自注意力），别的序列来问（交叉注意力），"
        "一件候选商品来问（DIN 的目标注意力，权重不归一化）。商品向量随机，激活单元手工设成“同类就激活”，没有训练。",
        "One shopping history, asked by itself (self-attention), by another sequence (cross-attention) and by one "
        "candidate item (DIN's target attention, weights not normalized). Items are random vectors, and the activation "
        "unit is set by hand to fire on items of one kind; nothing is trained.",
    ),
    knobs=(
        Knob("candidate", Bilingual("候选商品", "candidate"), "choice", "t-shirt", choices=(
            Choice("t-shirt", Bilingual("T 恤（衣服）", "T-shirt (clothes)")),
            Choice("phone", Bilingual("手机（电子）", "phone (electronics)")),
            Choice("novel", Bilingual("小说（书）", "novel (books)")),
        )),
        Knob("clothes", Bilingual("历史里的衣服", "clothes in the history"), "number", 9, minimum=0, maximum=20),
        Knob("electronics", Bilingual("历史里的电子产品", "electronics in the history"), "number", 1,
             minimum=0, maximum=20),
        Knob("books", Bilingual("历史里的书", "books in the history"), "number", 0, minimum=0, maximum=20),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("swap", "两支的权重对调：求和那支归一化，softmax 那支不归一化", "the two arms exchanged"),
        hidden_switch("one_asks", "自注意力里只有第一件商品提问", "only the first item asks in self-attention"),
        hidden_switch("isolate", "自注意力里每件商品只看自己", "each item sees itself only in self-attention"),
    ),
    figures=(
        Drawn("weights", Bilingual("权重", "weights"), made.RANDOM),
        Drawn("intensity", Bilingual("强度", "intensity"), made.RANDOM),
        Drawn("kinds", Bilingual("谁问谁", "kinds"), made.BY_FORMULA),
        Drawn("self", Bilingual("自注意力", "self"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "self-scores",
            Bilingual("自注意力要算的得分是一个候选商品的 n 倍：n × n 对 1 × n",
                      "Self-attention computes n times the scores of one candidate: n × n against 1 × n"),
            "==", BreakKnobs({"one_asks": True}), unit="x",
        ),
        CheckDeclaration(
            "doubling-the-sum",
            Bilingual("把整段历史重复一遍：目标注意力（求和）的用户向量变成 2 倍",
                      "The whole history twice: the user vector of target attention (a sum) doubles"),
            "==", BreakKnobs({"swap": True}), unit="x",
        ),
        CheckDeclaration(
            "doubling-the-softmax",
            Bilingual("同样重复一遍：交叉注意力（softmax）的输出不变",
                      "The same history twice: the output of cross-attention (softmax) stays"),
            "==", BreakKnobs({"swap": True}), unit="x",
        ),
        CheckDeclaration(
            "sum-of-weights",
            Bilingual("目标注意力的权重和约等于历史里同类商品的件数，不是 1",
                      "The weights of target attention add up to about the number of items of the candidate's kind, "
                      "and not to 1"),
            "==", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "candidate-changes-user",
            Bilingual("T 恤与手机得到的用户向量不同（差的范数与较大者之比；平均池化是 0）",
                      "T-shirt and phone get different user vectors (norm of the difference over the larger; mean "
                      "pooling: 0)"),
            ">=", BreakTensor("din.weights", "uniform"),
        ),
        CheckDeclaration(
            "weights-are-separate",
            Bilingual("换掉历史里的一件，目标注意力给其余各件的权重不变（列的是最大变化）",
                      "One item of the history replaced: the weights of all others in target attention stay (largest "
                      "change)"),
            "==", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "self-attention-mixes",
            Bilingual("同样换掉一件：自注意力里其余各件的输出跟着变（列的是最大相对变化）",
                      "The same item replaced: the outputs of the others in self-attention change (largest relative "
                      "change)"),
            ">=", BreakKnobs({"isolate": True}),
        ),
    ),
)  # fmt: skip
