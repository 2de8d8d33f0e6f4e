"""Words of ``stats`` and of the exported report."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "questions": Bilingual(
        "共 {questions} 题：到期 {due}，未答过 {new}",
        "questions: {questions}, due: {due}, new: {new}",
    ),
    "reviews": Bilingual(
        "评过 {reviews} 次，今天 {today} 次，共 {minutes} 分钟",
        "ratings: {reviews}, today: {today}, minutes in all: {minutes}",
    ),
    "streak": Bilingual("连续 {streak} 天，最长 {longest} 天", "days in a row: {streak}, at the longest: {longest}"),
    "retention": Bilingual(
        "近 {days} 天复习 {reviews} 次，记住 {share}",
        "recalled in the last {days} days: {share} (reviews: {reviews})",
    ),
    "no-retention": Bilingual(
        "近 {days} 天还没有到期的复习，算不出记住率",
        "no question came back in the last {days} days: no retention yet",
    ),
    "aside": Bilingual(
        "停用 {suspended} 题，标记有误 {flagged} 题",
        "suspended: {suspended}, flagged as wrong: {flagged}",
    ),
    "next": Bilingual("下一题在 {interval}后到期", "the next is due in {interval}"),
    "recent": Bilingual("最近两周每天评过", "Rated on each day of the last two weeks"),
    "forecast": Bilingual("未来四周到期", "Due in the next four weeks"),
    "topics": Bilingual(
        "各话题：此刻预计能答出的比例（FSRS）",
        "Topics: the share that FSRS expects to be recalled now",
    ),
    "seen": Bilingual("答过 {seen}/{questions}，到期 {due}", "{seen} of {questions} answered, {due} due"),
    # the report
    "report": Bilingual("Transformer 面试练习报告", "Transformer interview practice: a report"),
    "report-date": Bilingual("{date} 导出", "exported on {date}"),
    "report-questions": Bilingual("逐题", "Question by question"),
    "report-columns": Bilingual(
        "题目|话题|评过|忘过|稳定度（天）|下次到期", "question|topic|ratings|lapses|stability (days)|due"
    ),
    "report-flags": Bilingual("标记有误的题", "Flagged as wrong"),
    "report-answers": Bilingual("最近的回答", "Latest answers"),
    "new": Bilingual("未答过", "new"),
    "again": Bilingual("重来", "again"),
    "hard": Bilingual("困难", "hard"),
    "good": Bilingual("良好", "good"),
    "easy": Bilingual("简单", "easy"),
    "briefs": Bilingual("一分钟说法：Transformer 面试题", "Transformer interview questions, each in a minute"),
    "exported": Bilingual("已写入 {path}", "written to {path}"),
    "exported-anki": Bilingual(
        "{count} 张卡片已写入 {path}；在 Anki 里用“文件 → 导入”",
        "cards written to {path}: {count}; File, Import in Anki",
    ),
}
