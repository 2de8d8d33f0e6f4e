"""Fine-tuning bert-mini with few examples: from pre-training or from nothing, all of it or its head, fast or slowly."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="fine-tuning",
    title=Bilingual("微调 BERT：十步学会新任务", "Fine-tuning BERT: a new task in ten steps"),
    summary=Bilingual(
        "自带的 bert-mini 加一个分类头，拿几十句预训练没见过的诗和《论语》教它分辨，每句只给五个字。当场微调一次；"
        "各种做法从五个种子的成绩是训练时测好的：随机起步、冻结主体、学习率大小、例子多少，还有以前会的忘了多少。",
        "A classifier on bert-mini, which ships, learns whether five characters are of a poem or of the Analects, from "
        "a few dozen lines that pre-training never saw. One fine-tuning runs live; what each way reaches from five "
        "seeds was measured in training: a random start, a frozen body, rates, few examples, what is forgotten.",
    ),
    knobs=(
        Knob("layers", Bilingual("训练最上面几层", "top layers trained"), "number", 0, minimum=0, maximum=4,
             help=Bilingual("0 层只训练头；预训练的嵌入一直冻结。",
                            "With 0 the head alone; pre-trained embeddings stay frozen.")),
        Knob("rate", Bilingual("学习率", "learning rate"), "choice", "5e-4", choices=(
            Choice("1e-4", "1e-4"), Choice("5e-4", "5e-4"), Choice("2e-3", "2e-3"),
        )),
        Knob("examples", Bilingual("例子", "examples"), "number", 32, minimum=8, maximum=32, log=True),
        Knob("steps", Bilingual("训练步数", "steps of training"), "number", 10, minimum=0, maximum=10, step=5),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("wrong_labels", "打乱标签", "shuffle the labels"),
        hidden_switch("train_all", "其实全都训练", "all is trained after all"),
        hidden_switch("other_start", "换成另一种起点", "the other start"),
        hidden_switch("other_rate", "换成另一个学习率", "the other rate"),
        hidden_switch("swap_arms", "对调两种做法", "the two ways exchanged"),
    ),
    figures=(
        Drawn("accuracy", Bilingual("准确率", "accuracy"), made.BERT_MINI_TUNED),
        Drawn("ways", Bilingual("各做法", "ways"), made.IN_TRAINING),
        Drawn("recall", Bilingual("还记得", "recall"), made.BERT_MINI_TUNED),
        Drawn("moved", Bilingual("权重变化", "moved"), made.BERT_MINI_TUNED),
    ),
    checks=(
        CheckDeclaration(
            "live",
            Bilingual("当场微调：没用来训练的 100 句猜对的 %", "Fine-tuned live: of 100 other lines right, %"),
            ">=", BreakKnobs({"wrong_labels": True}), unit="%",
        ),
        CheckDeclaration(
            "frozen-unmoved",
            Bilingual("当场微调：冻结的层的权重变了多少", "Fine-tuned live: how far the frozen layers' weights moved"),
            "==", BreakKnobs({"train_all": True}),
        ),
        CheckDeclaration(
            "pretrained",
            Bilingual("全部微调 10 步，学习率 1e-4，五个种子里最差的，%",
                      "All fine-tuned for 10 steps at 1e-4: the worst of five seeds, %"),
            ">=", BreakKnobs({"other_start": True}), unit="%",
        ),
        CheckDeclaration(
            "random-start",
            Bilingual("同样的网络从随机权重训练 60 步（1e-4），五个种子里最好的，%",
                      "The same network from random weights, 60 steps at 1e-4: the best of five seeds, %"),
            "<=", BreakKnobs({"other_start": True}), unit="%",
        ),
        CheckDeclaration(
            "head-alone",
            Bilingual("冻结主体、只训练头，五个种子的平均，%", "The head alone, body frozen: mean of five seeds, %"),
            ">=", BreakKnobs({"other_start": True}), unit="%",
        ),
        CheckDeclaration(
            "rate-too-high",
            Bilingual("全部微调，学习率 2e-3，五个种子的平均，%（瞎猜是 50 %）",
                      "All fine-tuned at 2e-3: mean of five seeds, % (chance is 50 %)"),
            "<=", BreakKnobs({"other_rate": True}), unit="%",
        ),
        CheckDeclaration(
            "few-examples",
            Bilingual("只有 8 个例子、学习率 5e-4：只训练头比全部微调高几个百分点（五个种子的平均）",
                      "8 examples at 5e-4: the head alone above full fine-tuning, points (mean of five seeds)"),
            ">=", BreakKnobs({"swap_arms": True}),
        ),
        CheckDeclaration(
            "seeds-differ",
            Bilingual("只有 8 个例子全部微调：最好和最差的种子差几个百分点",
                      "8 examples, all fine-tuned: from the worst seed to the best, points"),
            ">=", BreakKnobs({"swap_arms": True}),
        ),
        CheckDeclaration(
            "forgotten",
            Bilingual("学习率 2e-3 全部微调之后，原来的成语还补得出的 %（五个种子的平均）",
                      "After fine-tuning all at 2e-3: idioms still completed, % (mean of five seeds)"),
            "<=", BreakKnobs({"other_rate": True}), unit="%",
        ),
        CheckDeclaration(
            "kept",
            Bilingual("学习率 1e-4 全部微调之后，还补得出的 %", "After fine-tuning all at 1e-4: still completed, %"),
            ">=", BreakKnobs({"other_rate": True}), unit="%",
        ),
    ),
)  # fmt: skip
