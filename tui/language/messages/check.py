"""Words of ``check``."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "validated": Bilingual("{count} 道题，没有错误", "sound questions: {count}, no faults"),
    "faulty": Bilingual("{count} 道题可用，{faults} 处错误", "sound questions: {count}, faults: {faults}"),
    "ran": Bilingual(
        "跑了 {runs} 次，{checks} 条实测，核对了文中 {numbers} 个数字，{faults} 处不成立",
        "runs: {runs}, checks: {checks}, numbers in texts: {numbers}, not holding: {faults}",
    ),
    "number-differs": Bilingual(
        "{question}：{key} 里写着 {written}，{check} 实测是 {live}",
        "{question}: {key} says {written}, but {check} measures {live}",
    ),
    "number-unmeasured": Bilingual(
        "{question}：{key} 里的 {written} 没有测到：{check} 在这组旋钮下没有值",
        "{question}: {written} in {key} was not measured: {check} has no value at these knobs",
    ),
    "check-undefined": Bilingual(
        "{question} 依据 {check}，可它在这组旋钮下没有定义",
        "{question} rests on {check}, which is not defined at its knobs",
    ),
    "card-differs": Bilingual(
        "{question}：{key} 里写着 {written}，模型卡 {check} 上是 {live}",
        "{question}: {key} says {written}, but the card entry {check} has {live}",
    ),
    "falsified": Bilingual(
        "{experiment}/{check} 在 {how} 时失败，正该如此", "{experiment}/{check} fails when {how}, as it must"
    ),
    "unfalsified-holds": Bilingual(
        "{experiment}/{check} 在 {how} 时仍然成立：它什么也没证明",
        "{experiment}/{check} still holds when {how}: it proves nothing",
    ),
    "unfalsified-undefined": Bilingual(
        "{experiment}/{check} 在 {how} 时没有定义，不算证伪",
        "{experiment}/{check} is not defined when {how}: that does not falsify it",
    ),
    "unfalsified-error": Bilingual(
        "{experiment}/{check} 在 {how} 时出错，没能证伪：{reason}",
        "{experiment}/{check} could not be broken by {how}: {reason}",
    ),
}
