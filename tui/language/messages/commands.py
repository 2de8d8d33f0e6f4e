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
    "ran": Bilingual("{backend}，用时 {milliseconds} 毫秒", "{backend}, {milliseconds} ms"),
    "takes-text": Bilingual("文字，最多 {length} 个字符", "text, at most {length} characters"),
    "takes-number": Bilingual("{minimum} 到 {maximum}", "{minimum} to {maximum}"),
}
