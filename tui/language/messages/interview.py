"""Words of the mock interview and of its report."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    # the interview
    "plan": Bilingual(
        "模拟面试：{questions} 题，{minutes} 分钟", "Mock interview of {minutes} min, questions: {questions}"
    ),
    "how": Bilingual(
        "输入回答，空行或单独一个 . 结束；直接空行表示答不上来。s 表示刚才是口头答的，由你自己勾选说到的要点；"
        "e 到此结束，q 先离开，下次接着来。只计答题的时间，看讲评时停表。",
        "Type an answer; an empty line or a single . ends it, an empty one at once gives up. s says that you answered "
        "aloud, and you mark it yourself; e ends the interview, q leaves it for later. Only answering is timed: the "
        "clock stands while you read.",
    ),
    "resumed": Bilingual("接着上次没完的面试", "Taking up the interview that you left"),
    "question": Bilingual("第 {number} 题：{asked}", "Question {number}: {asked}"),
    "deeper": Bilingual("第 {number} 题深入追问：{asked}", "Question {number}, deeper: {asked}"),
    "aside": Bilingual("第 {number} 题换个角度：{asked}", "Question {number}, aside: {asked}"),
    "clock": Bilingual("第 {number}/{of} 题，还剩 {left}", "question {number} of {of}, {left} left"),
    "clock-late": Bilingual("，时间紧了，不再追问", "; time presses: no more follow-ups"),
    "clock-over": Bilingual(
        "第 {number}/{of} 题，时间到了：说完这一题", "question {number} of {of}, time is up: finish this answer"
    ),
    "mend": Bilingual(
        "勾选：1 3 说到了，2? 说了一半，4- 没说到，m 说了流传的误解（再按撤回）；回车继续，v 看图，e 结束，q 离开",
        "Marks: 1 3 said, 2? half said, 4- missed, m the misconception was said (again: not); Enter goes on, v "
        "figures, e ends, q leaves",
    ),
    "mend-prompt": Bilingual("讲评> ", "marks> "),
    "mend-one-of": Bilingual(
        "请输入 1 到 {most} 的编号（可带 ? 或 -），或 m v e q，或直接回车",
        "type numbers from 1 to {most} (with ? or -), or m v e q, or just Enter",
    ),
    "mend-none": Bilingual("回车继续，v 看图，e 结束，q 离开", "Enter goes on, v figures, e ends, q leaves"),
    "say-aloud": Bilingual("说到了哪几条，自己勾：", "Mark what you said:"),
    "left": Bilingual(
        "先停在这里；tformer-quiz interview 接着来", "Left here; tformer-quiz interview takes it up again"
    ),
    "none": Bilingual("没有可问的题", "There is no question to ask"),
    "abandoned": Bilingual("上次没完的面试到此结束", "The interview that you had left is ended"),
    "saved": Bilingual("报告已写入 {path}", "the report is in {path}"),
    "figure-failed": Bilingual("{name} 没跑成：{reason}", "{name} did not run: {reason}"),
    # on the screen
    "wishes": Bilingual("来一场模拟面试", "A mock interview"),
    "wishes-help": Bilingual(
        "按 i 开始。左右键调题数、时间、话题、难度、题型。\n"
        "多问到期的、记不牢的、上次没说到的；答得好就往深处追问，答得单薄就换个角度。"
        "只计答题的时间，看讲评时停表；随时可以离开，下次接着来。",
        "Press i to begin. Left and right set how many questions, how long, which topic, level and kind.\n"
        "Rather asked is what is due, weak, or was not said last time. A good answer leads to a deeper follow-up, a "
        "thin one aside. Only answering is timed: the clock stands while you read. You can leave at any moment and "
        "take it up again.",
    ),
    "type-here": Bilingual("按 i 作答，或者说出来再按 s", "Press i and answer, or say it aloud and press s"),
    "time-up": Bilingual("时间到，说完这一题", "time is up: finish this answer"),
    "time-presses": Bilingual("时间紧", "time presses"),
    "mark-yourself": Bilingual("自己勾：空格换“说到、说一半、没说到”", "Mark it yourself: space changes a mark"),
    "not-said-it": Bilingual("流传的误解：{text}", "the misconception in circulation: {text}"),
    "you-said-it": Bilingual("说了流传的误解：{text}", "the misconception in circulation was said: {text}"),
    "key-begin": Bilingual("开始", "begin"),
    "key-begin-or-answer": Bilingual("开始；作答", "begin; answer"),
    "key-spoken": Bilingual("说完了", "said aloud"),
    "key-spoken-help": Bilingual("口头答完了，自己勾要点", "answered aloud: mark the key points yourself"),
    "key-give": Bilingual("答完", "that is it"),
    "key-space-help": Bilingual("答完；之后换要点的勾", "that is the answer; afterwards, the mark of a key point"),
    "key-edit": Bilingual("手写题：在编辑器里写", "code: write it in your editor"),
    "key-framework": Bilingual("手写题：换框架", "code: another framework"),
    "key-mark": Bilingual("换勾", "mark"),
    "key-misconception": Bilingual("说了误解", "misconception said"),
    "key-go-on": Bilingual("继续", "go on"),
    "key-end": Bilingual("结束面试", "end it"),
    "end-title": Bilingual(
        "现在就结束面试、看报告？结束后不能再接着答。",
        "End the interview and see its report? It cannot be taken up again.",
    ),
    "key-another": Bilingual("再来一场", "another one"),
    "key-save-page": Bilingual("存成带图的网页", "save as a page with figures"),
    "making-page": Bilingual("在为网页跑实验、画图……", "running the experiments for the page …"),
    "key-save": Bilingual("存报告", "save"),
    "key-save-help": Bilingual("把报告存成 Markdown", "the report as Markdown"),
    # its report
    "title": Bilingual("模拟面试报告", "Mock interview: a report"),
    "summary": Bilingual("总览", "In short"),
    "when": Bilingual("{day}，答题用时 {spent}，限时 {minutes} 分钟", "{day}; answering took {spent} of {minutes} min"),
    "asked": Bilingual(
        "答了 {asked} 题（原定 {planned} 题），追问 {more} 个",
        "answered {asked} of {planned} {planned:question|questions}; follow-ups: {more}",
    ),
    "share": Bilingual(
        "要点说到 {share}：说全 {said}，说了一半 {half}，没说到 {missed}",
        "key points: {share} ({said} said, {half} half said, {missed} missed)",
    ),
    "rated": Bilingual("{rated} 题计入了复习安排", "counted for the schedule: {rated}"),
    "next": Bilingual("接下来先补这几处", "What to study next"),
    "nothing-to-study": Bilingual("要点都说到了", "Every key point was said."),
    "said-it": Bilingual("说了流传的误解", "the misconception in circulation was said"),
    "run-it": Bilingual("实验", "experiment"),
    "misconceptions": Bilingual("说出的误解", "Misconceptions stated"),
    "topics": Bilingual("按话题", "By topic"),
    "topic-columns": Bilingual("话题|说全|一半|没说到|本次|上次", "topic|said|half said|missed|this time|last time"),
    "earlier": Bilingual("和以往的面试比", "Beside earlier interviews"),
    "earlier-columns": Bilingual("面试|说全|一半|没说到|要点", "interview|said|half said|missed|key points"),
    "this-one": Bilingual("**本次**", "**this one**"),
    "gained": Bilingual("上次没说到、这次说到的：", "Not said last time, said now:"),
    "lost": Bilingual("上次说到、这次漏掉的：", "Said last time, lost now:"),
    "spoken": Bilingual("口头回答，{time}，自己勾选", "Said aloud, {time}, marked by yourself"),
    "typed": Bilingual("书面回答，{time}", "Typed, {time}"),
    "given-up": Bilingual("没答上来，{time}", "Given up after {time}"),
}
