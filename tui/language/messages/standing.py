"""Titles and axes of the figures of progress."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "forecast": Bilingual("未来四周每天到期", "Due on each day of the next four weeks"),
    "questions-axis": Bilingual("题", "questions"),
    "calendar": Bilingual("半年来每天评过几次", "Rated on each day of the last half year"),
    "rated-axis": Bilingual("评过几次", "rated"),
    "weekday-axis": Bilingual("星期", "weekday"),
    "week-axis": Bilingual("周一", "week from"),
    "all": Bilingual("全部", "all"),
    "topics": Bilingual("按话题", "By topic"),
    "topic-name": Bilingual("话题", "topic"),
    "topic-seen": Bilingual("答过", "seen"),
    "topic-due": Bilingual("到期", "due"),
    "topic-mastery": Bilingual("此刻能答", "recalled now"),
    "topic-returned": Bilingual("近 30 天复习", "came back, 30 days"),
    "topic-retention": Bilingual("记住", "retention"),
    "topic-said": Bilingual("要点说到", "points said"),
    "points": Bilingual("说得最少的要点（每题最近 20 次回答）", "Key points least said, in the latest 20 answers"),
    "point-name": Bilingual("要点", "key point"),
    "point-said": Bilingual("说全", "said"),
    "point-half": Bilingual("一半", "half"),
    "point-missed": Bilingual("没说到", "missed"),
    "point-share": Bilingual("比例", "share"),
    "point-question": Bilingual("题", "question"),
    "weakest": Bilingual("最弱的题", "Weakest questions"),
    "weak-name": Bilingual("题", "question"),
    "weak-recall": Bilingual("此刻能答", "recalled now"),
    "weak-lapses": Bilingual("忘过", "forgotten"),
    "weak-unsaid": Bilingual("要点没说到", "points unsaid"),
    "retention": Bilingual("每周复习记住的比例", "True retention by week"),
    "true-retention": Bilingual("记住", "recalled"),
    "wanted-retention": Bilingual("希望", "wanted"),
    "weeks-axis": Bilingual("周（0 是本周）", "weeks (0: this one)"),
    "share-axis": Bilingual("比例", "share"),
    "time": Bilingual("每周用时", "Time by week"),
    "minutes-axis": Bilingual("分钟", "minutes"),
    "interviews": Bilingual("模拟面试", "Mock interviews"),
    "interview-when": Bilingual("时间", "when"),
    "interview-questions": Bilingual("题", "questions"),
    "interview-minutes": Bilingual("分钟", "minutes"),
    "interview-said": Bilingual("说全", "said"),
    "interview-half": Bilingual("一半", "half"),
    "interview-missed": Bilingual("没说到", "missed"),
    "interview-share": Bilingual("要点说到", "points said"),
}
