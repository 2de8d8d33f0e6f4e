"""Sliding windows, stacked and interleaved with full layers, and blocks that each query chooses."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="window-hybrids",
    title=Bilingual("滑动窗口、混合层和块选择", "Sliding windows, hybrids, and chosen blocks"),
    summary=Bilingual(
        "改动第一个词元，看堆了几层之后能影响到多远：全用窗口、窗口与全注意力层交错、都用全注意力（随机权重）。"
        "再比缓存；最后埋一个远处的键，看窗口和按块选择谁读得到。",
        "The first token is changed: how far does it show after some layers, all windows, windows "
        "interleaved with full "
        "layers, or all full (random weights)? Then the caches; and a key planted far away, read by a window or by "
        "chosen blocks.",
    ),
    knobs=(
        Knob("layers", Bilingual("层数", "layers"), "number", 6, minimum=2, maximum=8),
        Knob("window", Bilingual("窗口 w（含自己）", "window w (itself included)"), "number", 4, minimum=2, maximum=16),
        Knob("every", Bilingual("每几层一个全注意力层", "a full layer in every"), "number", 3, minimum=2, maximum=6),
        Knob("length", Bilingual("词元数 n", "tokens n"), "number", 64, minimum=32, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("one_full", "窗口堆里混进一层全注意力", "one full layer among the windows"),
        hidden_switch("none_full", "混合里没有全注意力层", "no full layer in the hybrid"),
        hidden_switch("keep_all", "窗口层的缓存也不丢", "window layers forget nothing"),
        hidden_switch("forget_more", "窗口层多丢一个", "window layers forget one more"),
        hidden_switch("random_blocks", "块随便选", "blocks are chosen blindly"),
    ),
    figures=(
        Drawn("reach", Bilingual("影响", "reach"), made.RANDOM),
        Drawn("caches", Bilingual("缓存", "caches"), made.COUNTED),
        Drawn("masks", Bilingual("掩码", "masks"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "reach",
            Bilingual("全用窗口：第一个词元最远影响到多远（至多 层数·(w − 1)）",
                      "All windows: how far the first token shows (at most layers · (w − 1))"),
            "<=", BreakKnobs({"one_full": True}),
        ),
        CheckDeclaration(
            "far-effect",
            Bilingual("全用窗口：最远处受到的影响，是窗口内的几倍",
                      "All windows: the effect at the far end over that within the window"),
            "<=", BreakKnobs({"one_full": True}), unit="x",
        ),
        CheckDeclaration(
            "hybrid-reaches-all",
            Bilingual("窗口与全注意力层交错：第一个词元影响到的位置，占全部的 %",
                      "Interleaved: positions at which the first token shows, % of all"),
            "==", BreakKnobs({"none_full": True}), unit="%",
        ),
        CheckDeclaration(
            "hybrid-cache",
            Bilingual("逐个解码之后，混合的缓存是每层都用全注意力时的 %",
                      "After decoding, the hybrid's cache, % of all full layers'"),
            "==", BreakKnobs({"keep_all": True}), unit="%",
        ),
        CheckDeclaration(
            "rolling-is-masked",
            Bilingual("滚动缓存逐个解码，与加掩码一遍算完的最大差和最大值之比",
                      "Decoding with a rolling cache and one masked pass: largest difference over the largest"),
            "<=", BreakKnobs({"forget_more": True}),
        ),
        CheckDeclaration(
            "window-misses",
            Bilingual("埋在远处的键，从窗口得到的权重", "Weight that a window gives to a key planted far away"),
            "==", BreakKnobs({"one_full": True}),
        ),
        CheckDeclaration(
            "chosen-blocks-find",
            Bilingual("同样多的键，按块选择：这个键的权重（8 个头的平均）",
                      "As many keys, in chosen blocks: its weight (mean of 8 heads)"),
            ">=", BreakKnobs({"random_blocks": True}),
        ),
    ),
)  # fmt: skip
