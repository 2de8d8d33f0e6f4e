"""Words of the subcommands."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "more-problems": Bilingual(
        "还有 {count} 处；tformer-quiz check 全部列出", "{count} more; tformer-quiz check lists them all"
    ),
    "check-fails": Bilingual("不成立", "does not hold"),
    "check-undefined": Bilingual("在这组旋钮下没有定义：{reason}", "not defined at these knobs: {reason}"),
    "no-steps": Bilingual("这个实验没有记录步骤", "this experiment records no steps"),
    "ran": Bilingual("{backend}，用时 {milliseconds} 毫秒", "{backend}, {milliseconds} ms"),
    "takes-text": Bilingual("文字，最多 {length} 个字符", "text, at most {length} characters"),
    "takes-number": Bilingual("{minimum} 到 {maximum}", "{minimum} to {maximum}"),
    "import-merge": Bilingual(
        "并入 {path}：评分 {reviews} 次（另有 {here} 次已在），题目状态 {cards}，标记 {flags}，停用 {suspended}，"
        "面试 {interviews}",
        "merged {path}: ratings {reviews} ({here} were here already), cards {cards}, flags {flags}, "
        "suspended {suspended}, interviews {interviews}",
    ),
    "import-replace": Bilingual(
        "换成 {path}：评分 {reviews} 次，题目状态 {cards}，标记 {flags}，停用 {suspended}，面试 {interviews}",
        "replaced by {path}: ratings {reviews}, cards {cards}, flags {flags}, suspended {suspended}, "
        "interviews {interviews}",
    ),
    "import-merge-dry": Bilingual(
        "试算，什么都没改。会并入：评分 {reviews} 次（另有 {here} 次已在），题目状态 {cards}，标记 {flags}，"
        "停用 {suspended}，面试 {interviews}",
        "a dry run, nothing was changed. It would merge: ratings {reviews} ({here} are here already), cards {cards}, "
        "flags {flags}, suspended {suspended}, interviews {interviews}",
    ),
    "import-replace-dry": Bilingual(
        "试算，什么都没改。会全部换成：评分 {reviews} 次，题目状态 {cards}，标记 {flags}，停用 {suspended}，"
        "面试 {interviews}",
        "a dry run, nothing was changed. It would put in the place of everything: ratings {reviews}, cards {cards}, "
        "flags {flags}, suspended {suspended}, interviews {interviews}",
    ),
    "serving": Bilingual(
        "在浏览器里打开 {url} （这个地址等于钥匙，别给别人）；Ctrl-C 结束",
        "open {url} in a browser (the address is the key: keep it to yourself); Ctrl-C ends it",
    ),
    "serving-network": Bilingual(
        "注意：网络上凡是拿到这个地址的人，都能看、能改你的进度；内容不加密",
        "note: whoever on the network has this address can read and change your progress; nothing is encrypted",
    ),
    "import-anki-other": Bilingual(
        "其中 {other} 张笔记不是本程序导出的；{unknown} 道题这里没有：{names}",
        "notes in it that this program did not export: {other}; questions that are not here: {unknown} {names}",
    ),
    "backed-up": Bilingual(
        "之前的进度在 {path}；tformer-quiz restore {name} 恢复",
        "what was there before is in {path}; tformer-quiz restore {name} brings it back",
    ),
    "backup": Bilingual("{name}  评分 {reviews} 次  {bytes} 字节", "{name}  ratings {reviews}  bytes {bytes}"),
    "backup-unreadable": Bilingual("{name}  读不出来  {bytes} 字节", "{name}  unreadable  bytes {bytes}"),
    "no-backups": Bilingual("{folder} 里还没有备份", "there is no backup in {folder} yet"),
    "restored": Bilingual("已恢复 {name}", "restored {name}"),
}
