"""Texts beyond BERT's 512 positions: what each way of cutting sees, and how far windowed attention reaches."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="long-text",
    title=Bilingual("长文本：每种切法看得到什么", "Long texts: what each way of cutting sees"),
    summary=Bilingual(
        "现场训练一个小 BERT，看要紧的词元在不同位置时各种切法还对不对；BERT 跑到 512 为止；窗口注意力逐层能传多远。",
        "A small BERT is trained now to find a deciding token: which ways of cutting still sort texts right, by where "
        "it stands; where BERT stops; and how far windowed attention reaches, layer by layer.",
    ),
    knobs=(
        Knob("length", Bilingual("文本词元数", "tokens of the text"), "number", 2000,
             minimum=64, maximum=4096, step=16),
        Knob("overlap", Bilingual("窗口重叠", "overlap of windows"), "number", 128, minimum=0, maximum=256, step=64),
        Knob("depth", Bilingual("要紧的词元在百分之几处", "where the token that matters is, in per cent"), "number", 50,
             minimum=0, maximum=100, step=5),
        Knob("attention_window", Bilingual("注意力窗口 w（左右各一半）", "attention window w (half each side)"),
             "number", 16, minimum=2, maximum=64, log=True),
        Knob("layers", Bilingual("层数 L", "layers L"), "number", 4, minimum=1, maximum=12),
        SEED,
    ),
    hidden_knobs=(
        Knob("positions", Bilingual("位置嵌入的个数", "position embeddings"), "number", 512, minimum=512, maximum=1024),
        Knob("gap", Bilingual("窗口之间漏掉的词元", "tokens left out between windows"), "number", 0, minimum=0,
             maximum=200),
        Knob("usable", Bilingual("截断保留的词元", "tokens kept by truncation"), "number", 510,
             minimum=64, maximum=510),
        Knob("add_global", Bilingual("加一个全局词元", "add a global token"), "switch", True),
        hidden_switch("everyone_global", "窗口那一支也加", "add it to the windowed arm too"),
        hidden_switch("untrained", "分类的模型不训练", "the classifier is not trained"),
        hidden_switch("head_is_windows", "取头的一支实际用窗口", "the head arm has the windows"),
        hidden_switch("max_for_mean", "取平均的一支实际取最大", "the mean arm takes the maximum"),
        Knob("mask_padding", Bilingual("屏蔽补齐", "mask the padding"), "switch", True),
    ),
    figures=(
        Drawn("by-depth", Bilingual("按位置", "by place"), made.TRAINED_BEFORE),
        Drawn("coverage", Bilingual("看到哪些", "coverage"), made.COUNTED),
        Drawn("reach", Bilingual("传多远", "reach"), made.RANDOM),
        Drawn("by-layer", Bilingual("按层", "by layer"), made.BY_FORMULA),
        Drawn("cost", Bilingual("代价", "cost"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "longest-input",
            Bilingual("BERT 能跑的最长输入是 512 个词元，再多一个就报错",
                      "The longest input that BERT runs is 512 tokens"),
            "==", BreakKnobs({"positions": 1024}),
        ),
        CheckDeclaration(
            "padding-changes-nothing",
            Bilingual("短文本不补齐也能跑；补到 512 并屏蔽，结果一样（列的是最大差）",
                      "A short text runs unpadded; padded to 512 and masked it gives the same (largest difference)"),
            "==", BreakKnobs({"mask_padding": False}),
        ),
        CheckDeclaration(
            "head-loses",
            Bilingual("只取开头，丢掉的词元数是 n − 510", "Keeping the head loses n − 510 tokens"),
            "==", BreakKnobs({"usable": 400}),
        ),
        CheckDeclaration(
            "windows-cover",
            Bilingual("滑动窗口合起来覆盖全部词元（列的是比例）", "The windows together cover all tokens (the share)"),
            "==", BreakKnobs({"gap": 50}),
        ),
        CheckDeclaration(
            "window-count",
            Bilingual("窗口数是 ⌈(n − 重叠) / (510 − 重叠)⌉", "There are ⌈(n − overlap) / (510 − overlap)⌉ windows"),
            "==", BreakKnobs({"gap": 200}),
        ),
        CheckDeclaration(
            "unseen-cannot-matter",
            Bilingual("被截掉的词元怎么改，结果都不变（列的是句向量的变化）",
                      "Whatever a token that was cut off becomes, the result stays (change of the text's vector)"),
            "==", BreakTensor("encoder.layers.0.output", "noise"),
        ),
        CheckDeclaration(
            "windows-let-it-matter",
            Bilingual("用滑动窗口，改同一个词元，结果就变（列的是句向量的相对变化）",
                      "With windows the same change shows (relative change of the text's vector)"),
            ">=", BreakTensor("encoder.layers.0.output", "ones"),
        ),
        CheckDeclaration(
            "head-blind-in-the-middle",
            Bilingual("要紧的词元在正中，只取头：分类对的比例和瞎猜差不多（瞎猜是 50 %）",
                      "The deciding token in the middle, the head alone kept: sorted right about as often as by "
                      "guessing, 50 %"),
            "<=", BreakKnobs({"head_is_windows": True}), unit="%",
        ),
        CheckDeclaration(
            "windows-find-it",
            Bilingual("重叠的窗口取最大：要紧的词元在哪里都分得对（列的是 11 个位置中最低的）",
                      "Overlapping windows, maximum: texts are sorted right wherever the token is (the lowest of 11 "
                      "places)"),
            ">=", BreakKnobs({"untrained": True}), unit="%",
        ),
        CheckDeclaration(
            "mean-dilutes",
            Bilingual("窗口得分取平均：一个窗口的证据被其余的冲淡（要紧的词元在正中，阈值不另调）",
                      "Windows, mean of their scores: one window's evidence is diluted by the others (the token in the "
                      "middle, the threshold not tuned)"),
            "<=", BreakKnobs({"max_for_mean": True}), unit="%",
        ),
        CheckDeclaration(
            "reach",
            Bilingual("窗口 w 的注意力叠 L 层，中间的词元能收到 L·w + 1 个词元的信息（不超出文本）",
                      "Through L layers of window w a token in the middle hears from L·w + 1 tokens (within the text)"),
            "==", BreakKnobs({"everyone_global": True}),
        ),
        CheckDeclaration(
            "global-reach",
            Bilingual("加一个全局词元，两层就能收到全部词元的信息",
                      "With one global token two layers hear from every token"),
            "==", BreakKnobs({"add_global": False}),
        ),
        CheckDeclaration(
            "scores-share",
            Bilingual("窗口注意力要算的得分，占全部 n² 的比例", "The share of all n² scores that a window needs"),
            "==", BreakKnobs({"everyone_global": True}),
        ),
    ),
)  # fmt: skip
