"""Where attention goes when there is nothing to fetch: an idle first token, evicted, kept, or made unnecessary."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="attention-sinks",
    title=Bilingual("注意力汇聚点：权重总得有地方放", "Attention sinks: the weight must go somewhere"),
    summary=Bilingual(
        "当场训练两个注意力头（softmax 和 softmax 加一）：见到字母就从前文取出它后面的那个，前文没有就别输出。"
        "看没东西可取时权重去了哪，再像流式生成那样把最早的键值丢掉。",
        "Two heads are trained on the spot (softmax, and softmax plus one): at a letter, fetch its successor from the "
        "text, or say nothing where it is not there. Where does the weight go when there is nothing to fetch, and what "
        "if a streaming cache forgets that place?",
    ),
    knobs=(
        Knob("letters", Bilingual("字母个数", "letters"), "number", 12, minimum=8, maximum=12,
             help=Bilingual("字母越多，前文里越常没有要找的那个。",
                            "The more there are, the oftener the one sought is missing.")),
        Knob("window", Bilingual("缓存留最近几个", "latest tokens kept in the cache"), "number", 12,
             minimum=4, maximum=16),
        SEED,
    ),
    hidden_knobs=(
        Knob("training_steps", Bilingual("训练步数", "training steps"), "number", 60, minimum=0, maximum=60),
        Knob("evict_first", Bilingual("滑动窗口真的丢掉最早的", "the window forgets the first token"), "switch", True),
        Knob("evict", Bilingual("留最早的那一支也丢中间的", "the other arm forgets the middle"), "switch", True),
        Knob("keep_first", Bilingual("那一支真的留下最早的", "that arm keeps the first"), "switch", True),
        Knob("plus_one", Bilingual("加一那个头真的加一", "plus one is added"), "switch", True),
        hidden_switch("ghost_value", "多出来的键有值", "the key more has a value"),
    ),
    figures=(
        Drawn("stream", Bilingual("流式", "stream"), made.TRAINED_NOW),
        Drawn("weights", Bilingual("权重", "weights"), made.TRAINED_NOW),
        Drawn("bert-mini", "bert-mini", made.BERT_MINI),
    ),
    checks=(
        CheckDeclaration(
            "sink-mass",
            Bilingual("没有东西可取时，训练好的 softmax 头把大部分权重放在 [BOS] 上（均匀分时只有一成多）",
                      "With nothing to fetch, the trained softmax head puts most weight on [BOS] (uniform would be "
                      "little over a tenth)"),
            ">=", BreakKnobs({"training_steps": 0}), unit="%",
        ),
        CheckDeclaration(
            "sink-is-idle",
            Bilingual("[BOS] 的值向量几乎是零（列的是它的长度与字母的值之比）",
                      "[BOS] has next to no value (its length over that of a letter's value)"),
            "<=", BreakKnobs({"training_steps": 0}), unit="%",
        ),
        CheckDeclaration(
            "value-removed",
            Bilingual("把 [BOS] 的值换成零、键留着，误差几乎不变（列的是误差的变化）",
                      "With [BOS]'s value set to zero and its key kept, the error hardly changes (its change)"),
            "<=", BreakKnobs({"training_steps": 0}),
        ),
        CheckDeclaration(
            "window-error",
            Bilingual("缓存只留最近的：[BOS] 一丢，误差至少是留着它时的 5 倍（正确答案的长度是 1）",
                      "A cache of the latest tokens alone: with [BOS] gone, the error is at least 5 times that with it "
                      "(a right answer has length 1)"),
            ">=", BreakKnobs({"evict_first": False}),
        ),
        CheckDeclaration(
            "kept-error",
            Bilingual("缓存留最近的和最早的 1 个：误差不到“总是沉默”的一半",
                      "The latest and the first token kept: the error is below half of that of constant silence"),
            "<=", BreakKnobs({"keep_first": False}),
        ),
        CheckDeclaration(
            "cache-held",
            Bilingual("缓存里的词元数封顶：窗口加 1，不随文本变长",
                      "The cache holds no more than the window and 1, however long the text"),
            "==", BreakKnobs({"evict": False}),
        ),
        CheckDeclaration(
            "plus-one-loses-nothing",
            Bilingual("用 softmax 加一训练的头，丢掉 [BOS] 也不碍事（列的是误差的变化）",
                      "A head trained with softmax plus one does not miss [BOS] (change of its error)"),
            "<=", BreakKnobs({"plus_one": False}),
        ),
        CheckDeclaration(
            "rows-below-one",
            Bilingual("softmax 加一的头，没有东西可取时一行权重的和（softmax 总是 100 %）",
                      "With nothing to fetch, the sum of a row in the plus-one head (a softmax has 100 % always)"),
            "<=", BreakKnobs({"plus_one": False}), unit="%",
        ),
        CheckDeclaration(
            "bert-mini-marks",
            Bilingual("不是每个模型都有：随包的 bert-mini，词给 [CLS] 和 [SEP] 的权重，最多的一层也不到三分之一",
                      "Not every model has them: in the shipped bert-mini, words give [CLS] and [SEP] less than a "
                      "third even in the layer with most"),
            "<=", BreakTensor("encoder.layers.*.self_attention.weights", "first"), unit="%",
        ),
        CheckDeclaration(
            "plus-one-is-a-key-more",
            Bilingual("softmax 加一，等于普通 softmax 多一个得分为 0、值为 0 的键（列的是输出的最大差）",
                      "Softmax plus one equals a plain softmax with one key more, of score 0 and value 0 (largest "
                      "difference of the outputs)"),
            "==", BreakKnobs({"ghost_value": True}),
        ),
    ),
)  # fmt: skip
