"""Speculative decoding with the poets that ship: what is kept, what comes out, and how many passes it takes."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="speculative",
    title=Bilingual("投机解码：小模型先写，大模型一次验", "Speculative decoding: one writes ahead, one verifies"),
    summary=Bilingual(
        "自带的写诗模型 poet 当大模型，只有它七分之一大的 poet-small 当草稿。草稿先写 γ 个字，大模型一遍验完："
        "按 min(1, p/q) 接受，拒绝就从 max(p − q, 0) 里重抽。",
        "The poet that ships is the target and poet-small, a seventh of its size, the draft. The draft writes γ "
        "characters ahead, the target judges them in one pass: each is kept with probability min(1, p/q), and where "
        "one is refused another is drawn from max(p − q, 0).",
    ),
    knobs=(
        Knob("draft", Bilingual("草稿模型", "draft"), "choice", "poet-small", choices=(
            Choice("poet-small", Bilingual("poet-small（七分之一大）", "poet-small (a seventh)")),
            Choice("poet", Bilingual("poet 自己（q = p）", "poet itself (q = p)")),
        )),
        Knob("ahead", Bilingual("先写几个 γ", "tokens ahead γ"), "number", 4, minimum=1, maximum=8),
        Knob("temperature", Bilingual("温度", "temperature"), "number", 1.0, minimum=0.5, maximum=3.0, step=0.5),
        Knob("beginning", Bilingual("五绝的开头", "a quatrain's beginning"), "text", "白日依山尽", max_length=24),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("keep_all", "草稿写什么都接受", "everything that the draft writes is kept"),
        hidden_switch("from_p", "拒绝之后从 p 重抽", "after a refusal the token is drawn from p"),
        hidden_switch("uniform", "草稿乱猜", "the draft guesses"),
    ),
    figures=(
        Drawn("tokens-per-pass", Bilingual("每遍几个", "per pass"), made.POETS),
        Drawn("distributions", Bilingual("p 与 q", "p and q"), made.POETS),
        Drawn("places", Bilingual("各位置", "places"), made.POETS),
    ),
    checks=(
        CheckDeclaration(
            "output-is-p",
            Bilingual("把各种情形加起来，写出的分布与大模型的 p 的总变差（各位置最大）",
                      "All cases added up: total variation distance of what comes out from p (largest of all places)"),
            "<=", BreakKnobs({"from_p": True}),
        ),
        CheckDeclaration(
            "kept-share",
            Bilingual("最有分歧的位置上，抽 2000 次，草稿被接受的 %（应为 100·(1 − 总变差)）",
                      "Where they differ most, 2000 draws: draft tokens kept, % (100 (1 − total variation distance))"),
            "==", BreakKnobs({"keep_all": True}), unit="%",
        ),
        CheckDeclaration(
            "drawn-as-p",
            Bilingual("同一位置 2000 次写出的频率与 p 的总变差",
                      "There, total variation distance of 2000 outcomes' frequencies from p"),
            "<=", BreakKnobs({"keep_all": True}),
        ),
        CheckDeclaration(
            "greedy-is-greedy",
            Bilingual("只取最可能的词元时，与大模型自己写的不同的词元数",
                      "Taking the likeliest only: tokens that differ from what the target writes alone"),
            "==", BreakKnobs({"keep_all": True}),
        ),
        CheckDeclaration(
            "tokens-per-pass",
            Bilingual("大模型每跑一遍写出几个词元（4 首的平均）",
                      "Tokens for each pass of the target (mean of 4 poems)"),
            ">=", BreakKnobs({"uniform": True}),
        ),
    ),
)  # fmt: skip
