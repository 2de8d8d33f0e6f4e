"""Words of the judge: what is wrong with code written by hand, and what ``code`` and its screen say around it."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    # what ended the file or a case early
    "syntax": Bilingual("语法错误：{text}", "syntax error: {text}"),
    "syntax-not-text": Bilingual(
        "文件不是 UTF-8 文本（第 {name} 个字节是 {text}）；请另存为 UTF-8",
        "the file is no text in UTF-8 (byte {name} is {text}); save it as UTF-8",
    ),
    "missing": Bilingual("文件里没有函数 {name}；要写的是 {wanted}", "there is no function {name}; write {wanted}"),
    "signature": Bilingual(
        "函数写成了 {text}，判题时按 {wanted} 来调用", "the function is {text}, but it is called as {wanted}"
    ),
    "import": Bilingual("导入不了：{text}", "an import fails: {text}"),
    "exception": Bilingual("出错了，{name}：{text}", "it raises {name}: {text}"),
    "exit": Bilingual("代码自己退出了（exit），没有算完", "the code exits by itself before it is done"),
    "input": Bilingual("代码在等输入，可没有人会输入", "the code waits for input, and nobody types any"),
    "memory": Bilingual("占的内存太多，已经停下", "it takes too much memory and was stopped"),
    "time": Bilingual(
        "太久没有算完（也许是死循环），已经停下", "it does not end in time (an endless loop?) and was stopped"
    ),
    "printed": Bilingual("打印的东西太多，已经停下", "it prints too much and was stopped"),
    "crash": Bilingual("进程崩溃了（{text}）", "its process crashed ({text})"),
    "ended": Bilingual("进程没有算完就结束了（退出码 {text}）", "its process ended before it was done (status {text})"),
    "tampered": Bilingual("它送回的结果读不懂", "what it sent back cannot be read"),
    "changed": Bilingual(
        "参数 {name} 被就地改掉了；先复制一份再改", "it changes its argument {name} in place; work on a copy"
    ),
    "refused-files": Bilingual(
        "代码要写文件（{text}）；这里不许写", "the code writes a file ({text}); it may not here"
    ),
    "refused-reads": Bilingual("代码要读文件（{text}）；这里不许读", "the code reads a file ({text}); it may not here"),
    "refused-processes": Bilingual(
        "代码要另起进程（{text}）；这里不许", "the code starts a process ({text}); it may not here"
    ),
    "refused-signals": Bilingual(
        "代码要给进程发信号（{text}）；这里不许", "the code signals a process ({text}); it may not here"
    ),
    "refused-network": Bilingual(
        "代码要连网络（{text}）；这里不许", "the code opens a connection ({text}); it may not here"
    ),
    # what was returned
    "none": Bilingual("{output} 返回的是 None：也许漏了 return", "{output} is None: is a return missing?"),
    "count": Bilingual(
        "{output} 该返回 {wanted} 个值，却返回了 {got}",
        "{output} returns {got}, values due: {wanted}",
    ),
    "type": Bilingual("{output} 是 {got}，该是 {wanted} 的数组", "{output} is of type {got}, not an array of {wanted}"),
    "framework": Bilingual(
        "{output} 是 {got} 的数组，该是 {wanted} 的", "{output} is an array of {got}, not of {wanted}"
    ),
    "own-dtype": Bilingual("{output} 的 dtype 是 {got}，该是 {wanted}", "{output} is of dtype {got}, not {wanted}"),
    "not-whole": Bilingual("{output} 的 dtype 是 {got}，该是整数", "{output} is of dtype {got}, not of whole numbers"),
    "dtype": Bilingual(
        "{output} 的 dtype 是 {got}，该和输入一样是 {wanted}", "{output} is of dtype {got}, not {wanted} as its input"
    ),
    "shape": Bilingual("{output} 的形状是 {got}，该是 {expected}", "{output} has the shape {got}, not {expected}"),
    "nan": Bilingual(
        "{output} 里有 NaN 或无穷：第一个错在 {where}，该是 {expected}，却是 {got}（{of} 个数里错了 {wrong} 个）",
        "{output} has NaN or infinity: the first wrong cell is at {where}, {got} instead of {expected} "
        "({wrong} of {of} are wrong)",
    ),
    "values": Bilingual(
        "{output} 的数不对：第一个错在 {where}，该是 {expected}，却是 {got}（{of} 个数里错了 {wrong} 个）",
        "{output} is wrong: the first wrong cell is at {where}, {got} for {expected} ({wrong} of {of} are wrong)",
    ),
    "data": Bilingual("{output} 该是 {expected}，却是 {got}", "{output} is {got}, not {expected}"),
    "at-line": Bilingual("（第 {line} 行：{text}）", " (line {line}: {text})"),
    # around it
    "passed": Bilingual("通过：{count} 个用例全对", "passed: all {count} cases"),
    "failed": Bilingual(
        "没通过：{failed} 个用例错，{passed} 个对",
        "not passed: {failed} {failed:case fails|cases fail}, {passed} {passed:passes|pass}",
    ),
    "case": Bilingual("第一个错的用例 {name}：{title}", "the first case that fails, {name}: {title}"),
    "mistake": Bilingual("你的数正是{title}的数（{name}）", "your numbers are those of {title} ({name})"),
    "see": Bilingual(
        "看看题目 {question}，或跑实验 {experiment}", "see the question {question}, or run the experiment {experiment}"
    ),
    "see-question": Bilingual("看看题目 {question}", "see the question {question}"),
    "stage-wrong": Bilingual(
        "最先错的中间值是 {name}（之前都对：{right}）",
        "the first wrong stage is {name} (right before: {right})",
    ),
    "stages-right": Bilingual("look 过的中间值都对：{right}", "the stages you looked at are right: {right}"),
    "stages-unknown": Bilingual(
        "参考里没有叫 {unknown} 的中间值；有：{known}", "the reference has no stage named {unknown}; it has: {known}"
    ),
    "nothing": Bilingual("无", "none"),
    "printed-this": Bilingual("代码打印了：", "the code printed:"),
    "printed-cut": Bilingual("……后面的没有留", "… the rest was not kept"),
    "expected": Bilingual("应得", "expected"),
    "yours": Bilingual("你的", "yours"),
    "difference": Bilingual("差", "difference"),
    "minutes": Bilingual("{minutes} 分钟", "{minutes} min"),
    "signature-is": Bilingual("要写的函数：", "write:"),
    "example": Bilingual("例子：", "example:"),
    "hint": Bilingual("提示 {number}：", "hint {number}: "),
    "solution": Bilingual("解答（{framework}）：", "solution ({framework}):"),
    "judge-it": Bilingual(
        "写好了这样判：tformer-quiz code {task} 文件.py", "to have it judged: tformer-quiz code {task} FILE.py"
    ),
    "looked": Bilingual(
        '可选：look("{name}", 值) 标出中间值，会和参考比对',
        'optional: look("{name}", value) marks a stage to be compared',
    ),
    "edit": Bilingual("编辑", "edit"),
    "judge-again": Bilingual("再判一次", "judge again"),
    "next-hint": Bilingual("提示", "hint"),
    "give-up": Bilingual("看解答", "solution"),
    "next-framework": Bilingual("换框架", "framework"),
    "watching": Bilingual("在写 {path}，每次保存都会判", "writing {path}; it is judged on each save"),
    "judging": Bilingual("判题中……", "judging …"),
    "write-here": Bilingual("在这里写", "write here"),
    "save-and-judge": Bilingual("存盘并判", "save and judge"),
    "its-question": Bilingual("看讲这个错误的题", "what shows the mistake"),
    "file-prompt": Bilingual(
        "回车判，v 用编辑器写，f 换框架（{framework}），h 提示，s 看解答，q 离开> ",
        "Enter judges, v edits, f other framework ({framework}), h hint, s solution, q leaves> ",
    ),
    "final-prompt": Bilingual(
        "写好按回车就交，v 用编辑器写，f 换框架（{framework}），e 结束，q 离开> ",
        "Enter hands it in, v edits, f other framework ({framework}), e ends, q leaves> ",
    ),
    "one-of": Bilingual("只认提示里的字母，或直接回车", "type a letter of the prompt, or just Enter"),
    "write-into": Bilingual("写在这个文件里：{path}", "write it into this file: {path}"),
    "nothing-shows-it": Bilingual("没有认出错误，或没有题和实验讲它", "no mistake is named, or nothing else shows it"),
    "rate-it": Bilingual("评分：1 重来  2 困难  3 良好  4 简单", "rate: 1 again  2 hard  3 good  4 easy"),
    "rated": Bilingual("记下了，{interval}后再来", "noted, due again in {interval}"),
    "rated-already": Bilingual(
        "已经评过分了；u 撤销，在列表里重新打开就再做一遍",
        "it is rated already; u takes that back, open it again to do it again",
    ),
    "too-long-here": Bilingual(
        "{path} 太长，这里写不下；用 e 在编辑器里写", "{path} is too long to write here; e edits it"
    ),
    "not-yet": Bilingual("先写到通过，或按 s 看解答，再评分", "rate once it passes, or after the solution (s)"),
    "no-more-hints": Bilingual("没有更多提示了", "there are no more hints"),
    "draft-made-anew": Bilingual(
        "{path} 不见了；已把这里的代码重新写到那里", "{path} was gone; the code that stands here is written there again"
    ),
    "unreadable-draft": Bilingual("读写不了 {path}：{reason}", "cannot read or write {path}: {reason}"),
    "time-spent": Bilingual("{spent} / {aim} 分钟", "{spent} of {aim} min"),
    "not-installed": Bilingual("没有装 {framework}", "{framework} is not installed"),
    "known-mistakes": Bilingual("认得的错误：{count} 种", "mistakes it knows: {count}"),
}
