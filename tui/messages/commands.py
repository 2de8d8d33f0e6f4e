"""Words of the subcommands."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "more-problems": Bilingual(
        "还有 {count} 处；tformer-quiz check 全部列出", "{count} more; tformer-quiz check lists them all"
    ),
}
