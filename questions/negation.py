"""Which words of a clause are denied.

Marking must not take "the variance does not grow" for "the variance grows". A cue of denial spoils:

- the whole segment of its clause, where it denies the statement: 不会, 并非, not, never, n't;
- what it stands before, up to the word that opens the consequence, where it only sets a condition: in 不缩放会饱和,
  "not scaling makes the softmax saturate" and "without scaling the softmax saturates", 饱和 is said, not denied;
- what lies between it and the correction: in 不是爆炸而是消失 the second half is said;
- what follows it, where it sets something aside: 而不是, rather than, instead of (of "instead of X you do Y", X);
- what follows it alone, where it is one of degree: 几乎不, "hardly any";
- itself alone, where it makes a word of its own: 不一致, 看不到, "hasn't seen", and the "only" of "not only".

不同, 无论 and A-not-A (等不等于, 会不会) deny nothing. 但, 所以, but, so and a colon begin a new segment. Where a
harm is denied that something keeps away ("after the scaling it does not saturate"), it has been said: ``is_cure``.
These are rules, not an understanding: where they are too strict, an answer is called "unsure", never wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from questions.words import Clause, Word, is_ideograph

CONDITION_REACH = 4  # words that a "without" without any further sign is taken to cover
BECAUSE_REACH = 16  # characters
WHERE_REACH = 6  # words

_INNOCENT = (
    "不断 不同 不管 不论 无论 无非 不妨 不得不 无疑 不少 不错 不可或缺 不可避免 差不多"
    " 无限 无穷 非常 无监督 无偏 未来 淹没 是否 能否 无量纲 不等长 不如说 没错"
    " 影响不大 变化不大 区别不大 差别不大 相差不大 不怎么掉 不掉点 不怎么变"
    " 不动 几乎不动 基本不动 不超过 不大于 不小于 不高于 不低于 不多于"
    " 不等于说 不能没有 不可没有 不可缺少 离不开 能不能说 不知不觉 不要忘",
    "cannot do without|can't do without|not without|not least|"
    "not to mention|don't forget|not forget|no matter|no doubt|no wonder|nothing but|no less than",
)
_DENIALS = (
    "不是 不会 不能 不可能 不可以 不再 不太 不够 不应 不该 不需要 不必 不存在 不具有 不具备 不属于 不意味 不代表"
    " 不影响 不保证 不一定 不认为 不觉得 不相信 不说明 未必 并不 并非 并未 并没 绝不 绝非 决不 从不 从未 毫不 毫无"
    " 远非 没有依据 没依据 缺乏依据 站不住脚 没有道理 没有证据 没有理由 没有根据 没有必要"
    " 误以为 误认为 错误地 谬误 谣言 吗",
    r"not so|not yet|not|never|cannot|neither|nor|none|nobody|nothing|hardly|barely|rarely|seldom|scarcely"
    r"|[a-z]+n't|dont|doesnt|didnt|isnt|arent|wasnt|werent|wont|cant|couldnt|wouldnt|shouldnt|havent|hasnt"
    r"|no evidence|no basis|unfounded"
    r"|fail(?:s|ed)? to|stop(?:s|ped)?(?= [a-z]+ing )"
    r"|(?:is|are|it's|its|that's) (?:a )?(?:false|wrong|incorrect|untrue|myth)|myth that|wrongly",
)
_OWN_WORDS = (  # 不只 too: of "not only for the gradient" no more than the "only" is denied
    "不只 不仅 不光 不但 不单 不变"
    " 不准确 不准 不稳定 不稳 不一致 不一样 不等价 不对称 不均匀 不平衡 不均衡 不足 不可靠 不可导 不可微 不连续 不相等"
    " 不相同 看不到 看不见 没见过 未见过 没有见过 没出现过 不可见 不匹配"
    " 不能看的 不让看的 不该看的 不许看的 不应看的 不可见的 不参与的",
    "not only|not just|not merely|not simply"
    "|not equivalent|not the same|not equal|(?:has|have|had)n't seen|never saw|(?:not|never) seen|can't see|cannot see"
    "|not exact|not optimal",
)
_A_NOT_A = r"(?P<verb>[\u4e00-\u9fff])[不没](?P=verb)"
_CONDITION_NOT = ("", "not [a-z]+ing")  # "not scaling", where "not" alone denies
_CONDITIONS = ("不 不用 没有 没 无 未 缺少 缺乏 去掉", r"without|with no|w / o|no|lack|lacks|lacking")
_OPENERS = (
    "时 的话 就 则 便 会 将 导致 造成",
    "then|means|mean|makes|make|leads|lead|causes|cause|lets|gives|will|would|results|you'd|we'd|it'd|they'd|it'll",
)
_WHAT_FOLLOWS = ("几乎不 几乎没有 几乎没 基本不 基本没", "hardly any|almost no|barely any")
_WHAT_WENT_BEFORE = ("之后 以后", "afterwards")  # in 除以标准差之后不会饱和 the division is not denied
_CORRECTIONS = ("而是", "but rather|but instead")
_ASIDES = ("而不是 而非 而不 而并非", "rather than|instead of|as opposed to|except|excluding")
_BREAKS = (
    "但是 但 可是 却 然而 反而 不过 所以 因此 因而 从而 于是 否则 不然 而 也(?=[不没])",
    "and(?= (?:no|not|never|without|[a-z]+n't) )|but|however|whereas|while|so|therefore|hence|thus|otherwise|yet",
)
# Where a clause goes on with another denial, after 不 and one to three words or 只 and two to six:
# 不采样 | 不要奖励模型, 只减均值 | 不做除法
_JOINTS = re.compile(
    "(?:" + "|".join(f"(?<=不{'.' * width})" for width in (1, 2, 3)) + ")(?=不要|不用|不需要|没有|无需)"
    "|(?:" + "|".join(f"(?<=只{'.' * width})" for width in (2, 3, 4, 5, 6)) + ")(?=不)"
)
_BECAUSE = re.compile("因|由于|为了|随着")  # 不会因为来了新词而改变
_AFTER_WITHOUT = re.compile(
    r" (?:the|a|an|it|its|they|their|we|our|you|your|there|this|all|each|every|attention|softmax) "
)
_CURABLE = re.compile(
    "不会|不再|不能|不可能|不至于|不|没有|没|无|并不|并没"
    "|(?:not|never|no|cannot|[a-z]+n't|dont|doesnt|wont|cant|isnt|arent)"
)
_MEANS = re.compile(
    "除以|除|缩放|之后|以后|后|就|有了|加上|加了|加入|用|使|让|通过|这样|从而|只要|为了|保证|减去|乘以|才"
    r"| (?:so|then|with|by|after|once|if|when|because|makes?|keeps?|lets?|ensures?|us(?:e|es|ing)|add(?:s|ing)?"
    r"|scal(?:e|es|ed|ing)|divid(?:e|es|ed|ing)|normali[sz]\w+|subtract\w*|mask\w*|clip\w*) "
)
_DESPITE = re.compile(
    "也不|也没|仍|还是|照样|即使|就算|哪怕|本来|根本| (?:even|still|anyway|regardless|either|already) "
)


def _either(kind: str, terms: tuple[str, str]) -> str:
    chinese, english = terms
    words = sorted(chinese.split(), key=len, reverse=True)
    words += [_A_NOT_A] if kind == "innocent" else []
    return f"(?P<{kind}>{'|'.join([*words, rf'(?<= )(?:{english})(?= )'])})"


# Earlier kinds win where two begin at one place, so 而不是 is an aside, not a denial, and 不仅 is neither.
_SIGNALS = re.compile(
    "|".join(
        _either(kind, terms)
        for kind, terms in {
            "innocent": _INNOCENT,
            "own": _OWN_WORDS,
            "correction": _CORRECTIONS,
            "aside": _ASIDES,
            "before": _WHAT_WENT_BEFORE,
            "after": _WHAT_FOLLOWS,
            "condition_not": _CONDITION_NOT,
            "break": _BREAKS,
            "denial": _DENIALS,
            "condition": _CONDITIONS,
            "opener": _OPENERS,
        }.items()
    )
)


_SUBJECTS = frozenset(["you", "we", "it", "they", "the", "one", "i"])


@dataclass(frozen=True, slots=True)
class Denial:
    """A cue, the words ``cue``, and the words ``scope`` that it spoils; both as half-open ranges within the clause."""

    cue: range
    scope: range
    curable: bool = False  # a plain "does not", which can say what a remedy does
    condition: bool = False  # "without scaling": no remedy stands in such a clause


@dataclass(frozen=True, slots=True)
class _Signal:
    kind: str
    start: int  # words of the clause
    stop: int
    text: str


def denials(clause: Clause) -> list[Denial]:
    """The denials of ``clause``, in order."""
    signals = _signals(clause)
    found: list[Denial] = []
    segment_start = 0
    segment: list[_Signal] = []
    for signal in [*signals, _Signal("break", len(clause.words), len(clause.words), "")]:
        if signal.kind != "break":
            segment.append(signal)
            continue
        found += _in_segment(segment, segment_start, signal.start, clause.words)
        segment_start, segment = signal.stop, []
    return found


def _in_segment(signals: Sequence[_Signal], start: int, stop: int, words: Sequence[Word]) -> list[Denial]:
    found: list[Denial] = []
    correction = opener = stop  # the nearest of each to the right
    starts = [start, *accumulate((s.stop if s.kind == "before" else start for s in signals), max)]
    for signal, begin in zip(reversed(signals), reversed(starts[:-1]), strict=True):
        cue = range(signal.start, signal.stop)
        if signal.kind == "correction":
            correction = opener = signal.start
        elif signal.kind == "opener":
            opener = signal.start
        elif signal.kind == "aside":
            found.append(Denial(cue, range(signal.start, _aside_end(signal, begin, correction, words))))
        elif signal.kind == "after":
            found.append(Denial(cue, range(signal.start, correction)))
        elif signal.kind == "own":
            found.append(Denial(cue, cue))
        elif signal.kind == "denial":
            first = begin if signal.stop < stop else _ellipsis_start(signal, begin, words)
            first = max(first, _where(signal, begin, words))
            whole = range(first, stop) if correction == stop else range(signal.start, correction)
            found.append(Denial(cue, whole, curable=bool(_CURABLE.fullmatch(signal.text))))
        elif signal.kind.startswith("condition"):
            end = _condition_end(signal, opener, stop, words)
            whole = range(begin, stop) if end == stop else range(signal.start, end)
            curable = end == stop and bool(_CURABLE.fullmatch(signal.text))
            found.append(Denial(cue, whole, curable, condition=end != stop))
    return found[::-1]


def _ellipsis_start(signal: _Signal, start: int, words: Sequence[Word]) -> int:
    """Where that begins which a clause's last words deny: of "the first grows and the second does not" the second."""
    joints = (index + 1 for index in range(signal.start - 1, start, -1) if words[index].text in ("and", "而"))
    return next(joints, start)


def _where(signal: _Signal, start: int, words: Sequence[Word]) -> int:
    """Where the relative clause begins that a denial stands in: in "set -inf where you must not look" at "where"."""
    return next(
        (
            index
            for index in range(signal.start - 1, max(start, signal.start - WHERE_REACH), -1)
            if words[index].text == "where"
        ),
        start,
    )


def _aside_end(signal: _Signal, start: int, stop: int, words: Sequence[Word]) -> int:
    """Where what is set aside ends: in "instead of a hard target you spread some mass" before "you"."""
    if signal.start > start:
        return stop
    return next((i for i in range(signal.stop + 1, stop) if words[i].text in _SUBJECTS), stop)


def is_cure(clause: Clause, before: Sequence[Clause]) -> bool:
    """Whether a harm that ``clause`` denies is kept away by something that it, or one before it, names.

    ``before`` are the earlier clauses of its sentence.
    """
    said = "".join(_joined(each.words)[0] for each in [*before, clause])
    if _DESPITE.search(said) or not _MEANS.search(said):
        return False
    return not any(denial.condition for each in [*before, clause] for denial in denials(each))


def _condition_end(signal: _Signal, opener: int, stop: int, words: Sequence[Word]) -> int:
    """Where what a condition covers ends; ``stop`` where nothing says that it is only a condition."""
    if signal.stop + (signal.kind == "condition") <= opener < stop:  # 不会 denies, 不缩放会 sets a condition
        return opener
    if signal.text.startswith(("with", "w /")):
        reach = min(stop, signal.stop + CONDITION_REACH)
        for index in range(signal.stop + 1, reach):
            if _AFTER_WITHOUT.fullmatch(f" {words[index].text} "):
                return index
        return reach
    return stop


def _signals(clause: Clause) -> list[_Signal]:
    joined, owners = _joined(clause.words)
    starts = [word.start for word in clause.words]
    joints = [bisect_left(starts, colon) for colon in clause.colons]
    joints += [owners[match.start()] for match in _JOINTS.finditer(joined)]
    found = [_Signal("break", joint, joint, "") for joint in joints]
    for match in _SIGNALS.finditer(joined):
        first, last = match.start(), match.end() - 1
        if match["break"] == "而" and _BECAUSE.search(joined, max(0, first - BECAUSE_REACH), first):
            continue
        found.append(_Signal(str(match.lastgroup), owners[first], owners[last] + 1, match[0]))
    return sorted(found, key=lambda signal: (signal.start, signal.stop))


def _joined(words: Sequence[Word]) -> tuple[str, list[int]]:
    """The words put together (ideographs touch, others have a space on each side), and whose each character is."""
    pieces: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(words):
        if is_ideograph(word.text):
            piece = word.text
        else:
            piece = f"{word.text} " if pieces and pieces[-1].endswith(" ") else f" {word.text} "
        pieces.append(piece)
        owners += [index] * len(piece)
    return "".join(pieces), owners
