"""How several heads are one matrix product, a reshape and a transpose; and what they cost."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, sentence_knob

EXPERIMENT = Experiment(
    name="heads",
    title=Bilingual("多头注意力怎样落地", "How multi-head attention is implemented"),
    summary=Bilingual(
        "一次大矩阵乘法再切成 h 个头，与逐头计算对照；参数、乘加次数和权重占的内存随 h 怎样变；忘了转置会怎样。",
        "One large product split into h heads, against a loop over heads; what parameters, operations and the memory "
        "of the weights do as h grows; and what a forgotten transpose does.",
    ),
    knobs=(
        sentence_knob(),
        Knob("d_model", "d_model", "number", 64, minimum=16, maximum=512, log=True),
        Knob("heads", Bilingual("头数 h", "heads h"), "number", 8, minimum=1, maximum=16, log=True,
             help=Bilingual("须整除 d_model；每个头宽 d_model / h。",
                            "Must divide d_model; a head is d_model / h wide.")),
        Knob("mistake", Bilingual("故意做错", "mistake"), "choice", "none", choices=(
            Choice("none", Bilingual("没有", "none")),
            Choice("reshape-without-transpose", Bilingual("只 reshape，不转置", "reshape without transpose")),
        )),
        SEED,
    ),
    hidden_knobs=(
        Knob("head_dim", Bilingual("每个头的宽度（0 为 d_model / h）", "width of a head (0 for d_model / h)"),
             "number", 0, minimum=0, maximum=512),
        Knob("run_heads", Bilingual("真正用的头数（0 为 h）", "heads that really run (0 for h)"), "number", 0,
             minimum=0, maximum=16),
    ),
    figures=(
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM),
        Drawn("costs", Bilingual("代价", "cost"), made.COUNTED),
        Drawn("contributions", Bilingual("各头贡献", "per head"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "fused-equals-loop",
            Bilingual("一次乘法再切头，等于逐头各乘各的（列的是最大差）",
                      "One product split into heads equals a loop over heads (the largest difference)"),
            "==", BreakTensor("fused.weights", "shuffle"),
        ),
        CheckDeclaration(
            "concat-equals-sum",
            Bilingual("拼接后乘 W^O，等于各头乘自己那一块再相加（列的是最大差）",
                      "Concat times W^O equals the sum of each head times its own rows (the largest difference)"),
            "==", BreakTensor("loop.0.output", "double"),
        ),
        CheckDeclaration(
            "parameters-independent-of-heads",
            Bilingual("四个投影共 4·d_model² 个参数，与头数无关", "The four projections have 4·d_model² parameters, "
                      "whatever the number of heads"),
            "==", BreakKnobs({"head_dim": 64}),
        ),
        CheckDeclaration(
            "reshape-without-transpose-differs",
            Bilingual("只 reshape 不转置：形状都对，输出却错（列的是最大误差与最大输出之比）",
                      "Without the transpose shapes fit and the output is wrong (largest error over largest output)"),
            ">=", BreakTensor("*.output", "ones"),
        ),
        CheckDeclaration(
            "flops-independent-of-heads",
            Bilingual("矩阵乘法的运算次数是 8nd² + 4n²d，与头数无关（由实际跑过的形状数出）",
                      "Matrix products take 8nd² + 4n²d operations, whatever the heads (counted from traced shapes)"),
            "==", BreakKnobs({"head_dim": 64}), unit="FLOP",
        ),
        CheckDeclaration(
            "weights-memory-grows-with-heads",
            Bilingual("注意力权重占 h·n² 个 float32：这一项随头数增长",
                      "The attention weights take h·n² float32 numbers: this one grows with the heads"),
            "==", BreakKnobs({"run_heads": 1}), unit="B",
        ),
        CheckDeclaration(
            "scale-uses-head-width",
            Bilingual("得分除以的是每个头的 √d_k，不是 √d_model（列的是缩放前后之比）",
                      "Scores are divided by √d_k of the head and not by √d_model (the ratio before to after)"),
            "==", BreakKnobs({"run_heads": 1}),
        ),
    ),
)  # fmt: skip
