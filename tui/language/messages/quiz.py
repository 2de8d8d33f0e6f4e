"""Words of a question as text, and of the line-based quiz."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    # a question
    "level": Bilingual("难度 {level}/3", "level {level} of 3"),
    "brief": Bilingual("一分钟说法", "In a minute"),
    "answer": Bilingual("参考答案", "Answer"),
    "deeper": Bilingual("再往深处", "Deeper"),
    "key-points": Bilingual("要点", "Key points"),
    "misconception": Bilingual("流传的误解", "Misconception in circulation"),
    "predict": Bilingual("先猜结果", "Predict"),
    "predicted": Bilingual("结果：{answer}", "Outcome: {answer}"),
    "right": Bilingual("猜对了：{answer}", "Predicted right: {answer}"),
    "wrong": Bilingual("你猜 {choice}，结果是 {answer}", "You predicted {choice}; it is {answer}"),
    "follow-ups": Bilingual("追问", "Follow-ups"),
    "sources": Bilingual("来源", "Sources"),
    "experiment": Bilingual("实验", "Experiment"),
    "measured": Bilingual(
        "实测 {sign} {claim}：{measured}，{expected}", "measured {sign} {claim}: {measured}, {expected}"
    ),
    "live-number": Bilingual("{written}（这里实测 {live}）", "{written} (measured here: {live})"),
    "other-language": Bilingual("（只有英文）", " (in Chinese only)"),
    # how a typed answer was marked
    "marked": Bilingual("你的回答：要点 {found}/{of}", "Your answer: {found} of {of} {of:key point|key points}"),
    "found": Bilingual("说到了：", "said: "),
    "unsure": Bilingual("说了一半：", "half said: "),
    "missed": Bilingual("没说到：", "missed: "),
    "matched": Bilingual("{said}，命中 {phrase}", "{said}, by {phrase}"),
    "misconception-said": Bilingual("说了流传的误解：", "the misconception is said: "),
    "misconception-half": Bilingual("提到了流传的误解，又否定了它：", "the misconception is mentioned and denied: "),
    "misconception-missed": Bilingual("没说流传的误解：", "the misconception is not said: "),
    "type-to-mark": Bilingual(
        "请输入回答，另起一行按 Ctrl+D 结束", "Type an answer; Ctrl+D on a line of its own ends it"
    ),
    "said-misconception": Bilingual(
        "你说的正是流传的误解，见下", "You said the misconception in circulation: see below"
    ),
    # the conversation
    "how": Bilingual(
        "输入回答，空行或单独一个 . 结束；直接空行看答案。u 撤销，s 跳过，q 离开。",
        "Type an answer; an empty line or a single . ends it, an empty one at once shows the answer. "
        "u undoes, s skips, q leaves.",
    ),
    "prompt": Bilingual("回答> ", "answer> "),
    "choose": Bilingual("选 {letters}，直接回车不猜> ", "choose {letters}, or Enter for none> "),
    "choose-one-of": Bilingual("请选 {letters} 之一", "choose one of {letters}"),
    "rate": Bilingual(
        "评分：1 重来 {again}，2 困难 {hard}，3 良好 {good}，4 简单 {easy}",
        "Rate: 1 again {again}, 2 hard {hard}, 3 good {good}, 4 easy {easy}",
    ),
    "rate-more": Bilingual(
        "u 撤销，v 看图，f 标记有误（再按撤回），b 明天再来，p 停用这题，q 离开",
        "u undo, v figures, f flag as wrong (again: withdraw), b tomorrow, p suspend, q leave",
    ),
    "rate-prompt": Bilingual("评分> ", "rate> "),
    "rate-one-of": Bilingual("请输入 1 到 4，或 u v f b p q", "type 1 to 4, or u v f b p q"),
    "rated": Bilingual("已记下，{interval}后再来", "Noted; it comes back in {interval}"),
    "undone-rate": Bilingual("已撤销 {question} 的评分 {rating}", "Took back the rating {rating} of {question}"),
    "undone-skip": Bilingual("回到刚才跳过的 {question}", "Back at {question}, which was skipped"),
    "undone-bury": Bilingual("{question} 今天又会问到", "{question} is no longer put off until tomorrow"),
    "undone-unbury": Bilingual("{question} 又推到明天了", "{question} is put off until tomorrow again"),
    "undone-suspend": Bilingual("{question} 不再停用", "{question} is no longer suspended"),
    "undone-resume": Bilingual("{question} 又停用了", "{question} is suspended again"),
    "undone-flag": Bilingual("已撤销对 {question} 的标记", "Took back the flag on {question}"),
    "undone-unflag": Bilingual("{question} 的标记恢复了", "The flag on {question} is back"),
    "undone-reset": Bilingual("进度恢复了", "The progress is back"),
    "nothing-to-undo": Bilingual("没有可撤销的", "There is nothing to undo"),
    "flag-note": Bilingual("哪里有误？> ", "what is wrong with it? > "),
    "flagged": Bilingual("已标记；u 撤销", "Flagged; u takes it back"),
    "unflagged": Bilingual("标记已撤回；u 恢复", "The flag is withdrawn; u brings it back"),
    "buried": Bilingual("这题明天再来；u 撤销", "Put off until tomorrow; u takes it back"),
    "early-lines": Bilingual(
        "提示出现之前就到的几行没有当作评分", "Lines that came before this prompt were not taken for a rating"
    ),
    "suspended": Bilingual("这题停用了，不再出现；u 撤销", "Suspended: it will not come back; u takes it back"),
    "no-figures": Bilingual("这题没有图", "There is no figure for this question"),
    "experiment-failed": Bilingual("实验没跑成：{reason}", "The experiment did not run: {reason}"),
    "place-kept": Bilingual("接着上次停下的地方", "Where you left off"),
    "all-done": Bilingual(
        "眼下没有要答的题了；下一题在 {interval}后", "Nothing left to answer now; the next is due in {interval}"
    ),
    "nothing": Bilingual("没有可答的题", "There is no question to answer"),
    "part-empty": Bilingual("符合这些条件的题一道也没有；换个条件", "No question meets these conditions; try others"),
    "goodbye": Bilingual("这次答了 {count} 道", "Answered this time: {count}"),
    "goodbye-unkept": Bilingual(
        "这次答了 {count} 道，但没有保存", "Answered this time: {count}, and nothing of it is kept"
    ),
}
