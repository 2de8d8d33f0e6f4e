"""Durations, as short as they fit on a button."""

from questions.bilingual import Bilingual

TABLE = {
    "minutes": Bilingual("{count} 分", "{count} min"),
    "hours": Bilingual("{count} 小时", "{count} h"),
    "days": Bilingual("{count} 天", "{count} d"),
    "months": Bilingual("{count} 个月", "{count} mo"),
    "years": Bilingual("{count} 年", "{count} y"),
}
