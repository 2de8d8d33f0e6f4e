"""May queries, keys and values be one and the same? Each pair made one, in random layers and in a trained model."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="tied-projections",
    title=Bilingual("Q、K、V 能不能相同", "Can Q, K and V be the same?"),
    summary=Bilingual(
        "同一批随机词元过四个注意力层：投影各自独立、K = V、Q = K、Q = K = V = X，比较得分的不对称、看自己的权重、"
        "输出变了多少；再看两个训练好的日期模型：投影各自独立的那个里 W_Q 与 W_K 差多远，"
        "从头就用 K = V 训练的那个读得怎样。",
        "The same random tokens through four attention layers, with separate projections, K = V, Q = K and Q = K = V "
        "= X: how asymmetric the scores are, how much a token looks at itself, how far the output moves. Then two "
        "trained date models: how far apart W_Q and W_K are in the ordinary one, and how well one trained with K = V "
        "reads.",
    ),
    knobs=(
        Knob("tie", Bilingual("看哪一种", "shown"), "choice", "all", choices=(
            Choice("none", Bilingual("各自独立", "separate")),
            Choice("kv", "K = V"),
            Choice("qk", "Q = K"),
            Choice("all", "Q = K = V = X"),
        ), help=Bilingual("画哪一种的图；实测总是四种都跑。", "Which one is drawn; the checks always run all four.")),
        Knob("d_model", "d", "number", 64, minimum=16, maximum=256, log=True,
             help=Bilingual("词元的宽度，也是一个头的宽度。", "The width of the tokens, and of a head.")),
        Knob("tokens", Bilingual("词元数 n", "tokens n"), "number", 12, minimum=4, maximum=24),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("copy_query", "“各自独立”一支里 W_K 抄 W_Q", "W_K copies W_Q in the separate arm"),
        hidden_switch("untie", "K = V 一支其实不共用", "the K = V arm is not really tied"),
        hidden_switch("trained_copy", "训练好的模型里 W_K 抄 W_Q", "W_K copies W_Q in the trained model"),
        hidden_switch(
            "tied_later", "对照模型换成训练之后才令 W_V = W_K 的", "the K = V model is tied only after training"
        ),
    ),
    figures=(
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM),
        Drawn("comparison", Bilingual("四种做法", "four ways"), made.RANDOM),
        Drawn("own-weight", Bilingual("自身权重", "own weight"), made.RANDOM),
        Drawn("distances", Bilingual("W_Q、W_K", "W_Q, W_K"), made.DATES_TYPED),
        Drawn("readings", Bilingual("读日期", "dates"), made.DATES),
    ),
    checks=(
        CheckDeclaration(
            "separate-own-weight-uniform",
            Bilingual("投影各自独立（随机）：词元看自己的平均权重就是 1/n，不偏向自己",
                      "Separate (random) projections: a token's mean weight on itself is 1/n, no more than on others"),
            "==", BreakKnobs({"copy_query": True}),
        ),
        CheckDeclaration(
            "separate-scores-asymmetric",
            Bilingual("投影各自独立：得分不对称，‖S − Sᵀ‖ / ‖S‖ 合乎推导",
                      "Separate projections: the scores are asymmetric, ‖S − Sᵀ‖ / ‖S‖ as derived"),
            "==", BreakTensor("separate.scores", "symmetric"),
        ),
        CheckDeclaration(
            "tied-qk-symmetric",
            Bilingual("Q = K：得分矩阵对称，‖S − Sᵀ‖ / ‖S‖ = 0", "Q = K: the scores are symmetric, ‖S − Sᵀ‖ / ‖S‖ = 0"),
            "==", BreakTensor("queries_are_keys.scores", "shuffle"),
        ),
        CheckDeclaration(
            "tied-qk-looks-at-itself",
            Bilingual("Q = K：多半看自己，看自己的平均权重合乎推导",
                      "Q = K: a token looks mostly at itself, its mean weight on itself as derived"),
            "==", BreakTensor("queries_are_keys.weights", "uniform"),
        ),
        CheckDeclaration(
            "all-equal-looks-at-itself",
            Bilingual("Q = K = V = X：看自己的平均权重，合乎推导",
                      "Q = K = V = X: the mean weight on itself, as derived"),
            "==", BreakTensor("all_equal.weights", "uniform"),
        ),
        CheckDeclaration(
            "all-equal-changes-little",
            Bilingual("Q = K = V = X：输出比输入变了多少，‖out − in‖ / ‖in‖，合乎推导",
                      "Q = K = V = X: how far the output is from the input, ‖out − in‖ / ‖in‖, as derived"),
            "==", BreakTensor("all_equal.values", "double"),
        ),
        CheckDeclaration(
            "tied-kv-same-map",
            Bilingual("K = V：注意力图一位不变，变的只是搬运的内容（列的是权重的最大差）",
                      "K = V: the map does not change by one bit, only what is carried (the largest difference)"),
            "==", BreakTensor("keys_are_values.queries", "shuffle"),
        ),
        CheckDeclaration(
            "tied-kv-one-tensor",
            Bilingual("K = V：两个张量逐位相同，只缓存一份就够（列的是最大差）",
                      "K = V: the two tensors agree bit by bit, so a cache needs only one (largest difference)"),
            "==", BreakTensor("keys_are_values.values", "double"),
        ),
        CheckDeclaration(
            "tied-kv-parameters",
            Bilingual("K = V：一层的投影是 3d² 个参数，不是 4d²",
                      "K = V: the projections of a layer have 3d² parameters instead of 4d²"),
            "==", BreakKnobs({"untie": True}),
        ),
        CheckDeclaration(
            "trained-projections-differ",
            Bilingual("训练好的日期模型里 W_Q 与 W_K 不相等：各层 ‖W_Q − W_K‖ / ‖W_Q‖ 的最小值（无关的等长矩阵是 √2）",
                      "In the trained date model W_Q and W_K differ: the smallest ‖W_Q − W_K‖ / ‖W_Q‖ of a layer "
                      "(unrelated matrices of one norm: √2)"),
            ">=", BreakKnobs({"trained_copy": True}),
        ),
        CheckDeclaration(
            "twin-reads",
            Bilingual("从头就用 K = V 训练的对照模型：读对多少训练集之外的日期",
                      "The model trained with K = V from the start: held-out dates read right"),
            ">=", BreakKnobs({"tied_later": True}), unit="%",
        ),
    ),
)  # fmt: skip
