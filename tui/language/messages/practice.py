"""Words of a sitting: its plan, its end, and the settings of the schedule."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "plan": Bilingual("到期 {due} 题，新题 {new} 道", "{due} due, {new} new"),
    "plan-minutes": Bilingual("，大约 {minutes} 分钟", ", about {minutes} min"),
    "plan-left": Bilingual(
        "按每天的上限，另有到期 {due} 题、新题 {new} 道留到以后",
        "kept for other days by the daily limits: {due} due, {new} new",
    ),
    "plan-interview": Bilingual(
        "离 {date} 的面试还有 {days} 天：新题按天均摊，每题最后两天都会再见一次",
        "days to the interview on {date}: {days}; new questions are spread over them, and each is seen again in the "
        "last two days",
    ),
    "plan-interview-today": Bilingual("今天面试，祝顺利", "The interview is today: good luck"),
    "summary": Bilingual(
        "评了 {rated} 次（重来 {rating_1}，困难 {rating_2}，良好 {rating_3}，简单 {rating_4}），"
        "新题 {new} 道，用时 {time}",
        "rated {rated} (again {rating_1}, hard {rating_2}, good {rating_3}, easy {rating_4}), {new} of them new, "
        "in {time}",
    ),
    "summary-none": Bilingual("这次没有评分", "Nothing was rated this time"),
    # settings
    "rollover-hour": Bilingual("一天从几点算起", "the hour at which a day begins"),
    "new-per-day": Bilingual("每天最多几道新题", "new questions a day, at most"),
    "reviews-per-day": Bilingual("每天最多复习几题", "reviews a day, at most"),
    "desired-retention": Bilingual(
        "希望复习时记得住的比例；越高，间隔越短", "the share to be recalled when it comes back; higher: sooner"
    ),
    "interview-on": Bilingual("面试日期", "the day of the interview"),
    "setting": Bilingual("{name} = {value}  {what}（{takes}）", "{name} = {value}  {what} ({takes})"),
}
