"""A mixture of experts: what top-k routing computes, what it saves and what it does not, and how load is balanced."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch, sentence_knob

EXPERIMENT = Experiment(
    name="mixture-of-experts",
    title=Bilingual("混合专家：多存参数，少算几个", "Mixture of experts: keep many, run few"),
    summary=Bilingual(
        "一层 E 个前馈专家，路由器给每个词元挑 k 个（权重随机）。看谁被选中、跑了多少、存了多少；"
        "再只用均衡损失训练路由器，看负载怎么变。",
        "A layer of E feed-forward experts whose router picks k for each token (random weights): who is chosen, how "
        "much runs, how much is stored. Then the router is trained on the balancing loss alone, and the load follows.",
    ),
    knobs=(
        sentence_knob(),
        Knob("experts", Bilingual("专家数 E", "experts E"), "number", 8, minimum=2, maximum=16, log=True),
        Knob("top_k", Bilingual("每个词元选 k 个", "chosen per token, k"), "number", 2, minimum=1, maximum=16,
             log=True),
        Knob("tokens", Bilingual("统计负载的词元数", "tokens counted for the load"), "number", 256, minimum=128,
             maximum=512, log=True),
        Knob("skew", Bilingual("词元之间有多像", "how alike the tokens are"), "number", 1.5, minimum=0.0, maximum=2.0,
             step=0.5,
             help=Bilingual("每个词元都加上同一个方向的这么多倍：越大，路由器越偏爱少数专家。",
                            "Every token gets that much of one direction: the more, the more the router prefers a few "
                            "experts.")),
        Knob("steps", Bilingual("用均衡损失训练的步数", "steps on the balancing loss"), "number", 120, minimum=0,
             maximum=120, step=20),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("run_all", "稀疏的一支其实选了全部专家", "the sparse arm chooses all experts"),
        hidden_switch("half", "只建一半专家", "only half of the experts are made"),
        hidden_switch("round_robin", "训练前就轮流分配", "experts take turns before the training"),
        hidden_switch("still", "路由器不训练", "the router is not trained"),
    ),
    figures=(
        Drawn("before", Bilingual("训练前", "before"), made.RANDOM_WEIGHTS),
        Drawn("after", Bilingual("训练后", "after"), made.TRAINED_NOW),
        Drawn("routing", Bilingual("路由", "routing"), made.RANDOM_WEIGHTS),
        Drawn("cost", Bilingual("代价", "cost"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "all-experts-is-dense",
            Bilingual("k = E 时，等于所有专家按路由概率加权求和（与 float64 循环的最大差与最大输出之比）",
                      "With k = E it is the sum of all experts weighted by the router's probabilities (largest "
                      "difference from a float64 loop over the largest output)"),
            "==", BreakTensor("dense.gates", "uniform"),
        ),
        CheckDeclaration(
            "top-k-is-a-loop",
            Bilingual("选 k 个时，等于只算这 k 个、门控重新归一化的循环（最大差与最大输出之比）",
                      "With k chosen it is a loop over these k with gates renormalized over them (largest "
                      "difference over the largest output)"),
            "==", BreakTensor("sparse.experts.*.activated", "zeros"),
        ),
        CheckDeclaration(
            "runs-per-token",
            Bilingual("每个词元真正跑过的专家数：k，与 E 无关（由跑过的形状数出）",
                      "Experts that really ran for a token: k, whatever E (counted from the shapes that passed)"),
            "==", BreakKnobs({"run_all": True}),
        ),
        CheckDeclaration(
            "active-share",
            Bilingual("一个词元用到的专家参数占全部专家参数的 k/E",
                      "A token uses k/E of the parameters of all experts"),
            "==", BreakKnobs({"run_all": True}), unit="%",
        ),
        CheckDeclaration(
            "stored-parameters",
            Bilingual("要存的专家参数是一个前馈层的 E 倍",
                      "The experts to be stored are E times one feed-forward layer"),
            "==", BreakKnobs({"half": True}), unit="x",
        ),
        CheckDeclaration(
            "unchosen-learn-nothing",
            Bilingual("没被选中的专家从这个词元得到的梯度（最大绝对值）",
                      "Gradient that a token gives to the experts it did not choose (largest)"),
            "==", BreakKnobs({"run_all": True}),
        ),
        CheckDeclaration(
            "load-before",
            Bilingual("均衡训练之前，最忙的专家的负载是平均的几倍",
                      "Before balancing: the busiest expert's load over the mean"),
            ">=", BreakKnobs({"round_robin": True}), unit="x",
        ),
        CheckDeclaration(
            "load-after",
            Bilingual("只用均衡损失训练路由器之后，最忙的专家的负载是平均的几倍",
                      "After training the router on the balancing loss alone: the busiest expert's load over the mean"),
            "<=", BreakKnobs({"still": True}), unit="x",
        ),
        CheckDeclaration(
            "least-load-after",
            Bilingual("均衡训练之后，最闲的专家的负载是平均的几倍",
                      "After balancing: the least loaded expert's load over the mean"),
            ">=", BreakKnobs({"still": True}), unit="x",
        ),
        CheckDeclaration(
            "balancing-loss",
            Bilingual("训练之后的均衡损失 E·Σ f·P：均匀时是 1，全给一个专家时是 E",
                      "The balancing loss E·Σ f·P afterwards: 1 when even, E when one expert gets all"),
            "<=", BreakKnobs({"still": True}),
        ),
    ),
)  # fmt: skip
