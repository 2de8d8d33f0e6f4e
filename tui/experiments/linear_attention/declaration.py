"""Linear attention is an attention and an RNN at once; what its fixed state saves, and what it forgets."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="linear-attention",
    title=Bilingual("线性注意力：既是注意力，也是 RNN", "Linear attention: an attention and an RNN at once"),
    summary=Bilingual(
        "同一个因果线性注意力按两种形式算：并行（一张图）和递推（一个矩阵状态）。"
        "再比状态与 KV 缓存的大小，以及存进许多键值对之后还取不取得出来（一个头，随机数据）。",
        "One causal linear attention computed in two forms, parallel (a map) and recurrent (a matrix as state). "
        "Then the sizes of that state and of a KV cache, and how many stored key-value pairs can be read back (one "
        "head, random data).",
    ),
    knobs=(
        Knob("tokens", Bilingual("词元数 n", "tokens n"), "number", 32, minimum=8, maximum=256, log=True),
        Knob("width", Bilingual("头宽 D", "head width D"), "number", 16, minimum=8, maximum=64, log=True),
        Knob("pairs", Bilingual("存进去的键值对", "key-value pairs stored"), "number", 128, minimum=2, maximum=256,
             log=True,
             help=Bilingual("只用于回忆实验：存进这么多对，再逐个按键去取。",
                            "For the recall only: that many pairs are stored, then each is asked for by its key.")),
        Knob("decay", Bilingual("衰减 γ", "decay γ"), "number", 1.0, minimum=0.5, maximum=1.0, step=0.1,
             help=Bilingual("小于 1 时，每走一步状态先乘 γ：越久远的词元权重越小，是门控和状态空间模型里最简单的一种。",
                            "Below 1 the state is multiplied by γ at each step: older tokens weigh less, the simplest "
                            "of the gates in state-space models.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("other_decay", "递推一支另用一个衰减", "the recurrent arm has another decay"),
        hidden_switch("swap_memory", "状态与缓存对调", "state and cache exchanged"),
        hidden_switch("same_kernel", "两支都用 softmax", "both arms have a softmax"),
        hidden_switch("swap_recall", "回忆的两支对调", "the two arms of the recall exchanged"),
        hidden_switch("crowd", "“少量”的一支也存很多对", "the arm of few pairs stores many"),
    ),
    figures=(
        Drawn("maps", Bilingual("两张图", "maps"), made.RANDOM),
        Drawn("memory", Bilingual("内存", "memory"), made.COUNTED),
        Drawn("recall", Bilingual("取回", "recall"), made.RANDOM_DATA),
    ),
    checks=(
        CheckDeclaration(
            "parallel-equals-recurrent",
            Bilingual("并行形式与逐个词元的递推形式输出相同（列的是最大差与最大输出之比）",
                      "The parallel form and the recurrent one, token by token, give the same output (largest "
                      "difference over the largest output)"),
            "==", BreakKnobs({"other_decay": True}),
        ),
        CheckDeclaration(
            "state-stays",
            Bilingual("读完 n 个词元，状态的大小是读完 1 个时的几倍",
                      "The state's size after n tokens over its size after 1"),
            "==", BreakKnobs({"swap_memory": True}), unit="x",
        ),
        CheckDeclaration(
            "cache-grows",
            Bilingual("读完 n 个词元，KV 缓存的大小是读完 1 个时的几倍：n",
                      "The KV cache's size after n tokens over its size after 1: n"),
            "==", BreakKnobs({"swap_memory": True}), unit="x",
        ),
        CheckDeclaration(
            "cache-over-state",
            Bilingual("n 个词元时，KV 缓存是状态的 2n/(D + 1) 倍",
                      "At n tokens the KV cache is 2n/(D + 1) of the state"),
            "==", BreakKnobs({"swap_memory": True}), unit="x",
        ),
        CheckDeclaration(
            "regrouping",
            Bilingual("没有掩码时，换个结合顺序结果不变：(φ(Q)φ(K)ᵀ)V = φ(Q)(φ(K)ᵀV)（最大差与最大输出之比）",
                      "Without a mask the products may be regrouped: (φ(Q)φ(K)ᵀ)V = φ(Q)(φ(K)ᵀV) (largest difference "
                      "over the largest output)"),
            "==", BreakTensor("map.weights", "shuffle"),
        ),
        CheckDeclaration(
            "not-the-softmax",
            Bilingual("同样的 Q、K、V，线性注意力的输出与 softmax 注意力不同（差的范数与后者之比）",
                      "On the same Q, K, V linear attention's output is not softmax attention's (norm of the "
                      "difference over the latter's)"),
            ">=", BreakKnobs({"same_kernel": True}),
        ),
        CheckDeclaration(
            "softmax-recalls",
            Bilingual("softmax 注意力：存进去的对，按键取得对的比例",
                      "Softmax attention: stored pairs read back right by their keys"),
            ">=", BreakKnobs({"swap_recall": True}), unit="%",
        ),
        CheckDeclaration(
            "linear-forgets",
            Bilingual("线性注意力，对数是 D 的 8 倍以上：取得对的比例",
                      "Linear attention with 8 D pairs or more: pairs read back right"),
            "<=", BreakKnobs({"swap_recall": True}), unit="%",
        ),
        CheckDeclaration(
            "linear-recalls-few",
            Bilingual("线性注意力，只存 D/4 对：取得对的比例",
                      "Linear attention with D/4 pairs only: pairs read back right"),
            ">=", BreakKnobs({"crowd": True}), unit="%",
        ),
    ),
)  # fmt: skip
