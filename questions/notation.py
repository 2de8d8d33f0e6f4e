"""Notation brought to one spelling: LaTeX, what code and speech say for it, numbers in digits and words.

``\\frac{QK^\\top}{\\sqrt{d_k}}``, ``Q @ K.T / sqrt(d_k)``, ``Q Kᵀ / √d_k`` and "q k transposed over the square root of
d_k" become the same words; so do ``8nd²`` and ``8 n d^2``, 四倍 and ``4x`` and "four times", 1.1 亿 and ``110M``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

TRANSPOSED = "⊤"
_TOP = r"(?:\\top|\\intercal|\\mathsf\{t\}|\\mathrm\{t\}|t(?![a-z0-9]))"
_BLANKED = re.compile(
    rf"\^\s?(?:\{{\s?{_TOP}\s?\}}|{_TOP})"  # K^\top, K^{{T}}, K^T
    r"|(?<=[a-z0-9)\]])\.m?t(?![a-z0-9])"  # K.T
    r"|\.(?:transpose|swapaxes|permute)\([^()]{0,16}\)"  # k.transpose(-2, -1)
)
_COMMAND = re.compile(
    r"\\(?P<frac>[dt]?frac\s?\{)|\\(?P<sqrt>sqrt\s?\{)|\\[a-z]+\s?\{|\\(?P<name>[a-z]+)|\\.|(?P<brace>[{}])"
)
_SILENT = frozenset(["left", "right", "big", "bigl", "bigr", "cdot", "quad", "qquad", "limits", "times"])


@dataclass(frozen=True, slots=True)
class Word:
    """A word to compare, and the characters ``start:stop`` of the text that it was typed as."""

    text: str
    start: int
    stop: int


def plain(text: str) -> str:
    """``text`` (lower case) without LaTeX, each character still where it was: what falls away becomes blanks."""
    if "^" in text or "." in text:
        text = _BLANKED.sub(lambda match: TRANSPOSED.ljust(len(match[0])), text)
    return _without_commands(text) if "\\" in text else text


def _without_commands(text: str) -> str:
    """One pass with a stack: what each open brace turns into where it closes."""
    pieces: list[str] = []
    closing: list[str] = []  # of each open brace: "/" after a numerator, " " after what is left out, "}" of another
    done = 0
    for match in _COMMAND.finditer(text):
        if match.start() < done:
            continue
        pieces.append(text[done : match.start()])
        done = match.end()
        if match["brace"] == "{":
            closing.append("}")
            pieces.append("{")
        elif match["brace"]:
            close = closing.pop() if closing else "}"
            pieces.append(close)
            if close == "/":  # the denominator's brace opens next
                rest = re.compile(r"\s*\{").match(text, done)
                if rest:
                    pieces.append(" " * len(rest[0]))
                    done = rest.end()
                    closing.append(" ")
        elif match["frac"] or match["sqrt"] or match[0].endswith("{"):
            closing.append("/" if match["frac"] else " ")
            pieces.append((" √" if match["sqrt"] else "").ljust(len(match[0])))
        elif match["name"] and match["name"] not in _SILENT:
            pieces.append(" " + match["name"])
        else:
            pieces.append(" " * len(match[0]))
    return "".join([*pieces, text[done:]])


_TEENS = ["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"]
_DIGITS = {word: str(value) for value, word in enumerate(["two", "three", "four", "five", "six", "seven", "eight"], 2)}
_DIGITS |= {"nine": "9", "ten": "10", **{word: str(value) for value, word in enumerate(_TEENS, 11)}}
_DIGITS |= {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "eighty": "80", "ninety": "90"}
_DIGITS |= {"hundred": "100"}  # one and zero are words of every sentence
_CHINESE = dict(zip("0一二三四五六七八九两", (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2), strict=True))
_CHINESE |= {"〇": 0}
_TENS = {"十": 10, "百": 100, "千": 1000}
_COUNTED = frozenset("倍层个份组头种步次亿万位维字条套块阶半遍路比")
_SCALES = {"万": 4, "亿": 8, "million": 6, "billion": 9, "thousand": 3, "m": 6, "b": 9, "k": 3}
_SUFFIXED = re.compile(r"(\d+(?:\.\d+)?)(k|m|b|x)")
_MONOMIAL = re.compile(r"(?=.*\d)(?:\d+(?:\.\d+)?)?(?:[ndhtlfvbkrgwm]\d?){1,5}")  # 8nd2
_FACTOR = re.compile(r"\d+(?:\.\d+)?(?=[a-z])|[a-z]\d?")
_MERGED = {"qk": ("q", "k"), "kv": ("k", "v"), "qkv": ("q", "k", "v"), "qv": ("q", "v"), "dmodel": ("d",)}
_MERGED |= {"dmodel2": ("d2",), "sqrtdk": ("√", "dk"), "onehot": ("one", "hot")}


def spelled(words: Sequence[Word]) -> list[Word]:
    """The words in one spelling: factors apart, numbers in digits, powers and roots as formulas write them."""
    return _numbered(_powers(_apart(words)))


def _apart(words: Sequence[Word]) -> list[Word]:
    found: list[Word] = []
    for word in words:
        text = word.text
        parts: Sequence[str] = _MERGED.get(text, ())
        if not parts and len(text) > 1 and text[-1:].isascii():
            suffixed = _SUFFIXED.fullmatch(text)
            if suffixed:
                parts = (suffixed[1], suffixed[2])
            elif (text[0].isdigit() or (len(text) > 2 and text[1].isdigit())) and _MONOMIAL.fullmatch(text):  # n2d
                parts = _FACTOR.findall(text)
        found += [replace(word, text=part) for part in parts] if parts else [word]
    return found


# What a power or a root is said with.
_POWERS = frozenset(["squared", "平", "的", "root", "sqrt", "√", "根"])


def _powers(words: Sequence[Word]) -> list[Word]:
    """``n squared``, ``n 的平方`` are ``n2``; ``the root of d_k`` and ``d_k 的平方根`` are ``√ dk``."""
    found: list[Word] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word.text not in _POWERS:
            found.append(word)
            index += 1
            continue
        following = [each.text for each in words[index + 1 : index + 5]]
        before = found[-1] if found else None
        if before is not None and _is_variable(before.text):
            joined = "".join(following[:4])
            if word.text == "squared" or (word.text == "平" and following[:1] == ["方"] and following[1:2] != ["根"]):
                stop = words[index + (word.text == "平")].stop
                found[-1] = replace(before, text=before.text + "2", stop=stop)
                index += 1 + (word.text == "平")
                continue
            if word.text == "的" and joined.startswith("平方"):
                root = joined.startswith("平方根")
                last = words[index + 2 + root]
                text = before.text if root else before.text + "2"
                found[-1:] = [replace(before, text="√", stop=last.stop)] if root else []
                found.append(replace(before, text=text, stop=last.stop))
                index += 3 + root
                continue
        if word.text in ("root", "sqrt", "√") or "".join([word.text, *following[:2]]).startswith(("根号", "平方根")):
            chinese = 0 if word.text in ("root", "sqrt", "√") else 1 + (word.text == "平")
            if found and found[-1].text == "square":
                word = replace(word, start=found.pop().start)
            if word.text != "root" or following[:1] == ["of"] or (following and _is_variable(following[0])):
                found.append(replace(word, text="√", stop=words[index + chinese].stop))
                index += 1 + chinese
                while index < len(words) and words[index].text in ("of", "the", "下"):
                    index += 1
                continue
        found.append(word)
        index += 1
    return found


def _is_variable(text: str) -> bool:
    return len(text) <= 2 and text.isascii() and text.isalpha()


def _numbered(words: Sequence[Word]) -> list[Word]:
    found: list[Word] = []
    index = 0
    while index < len(words):
        word = words[index]
        stop, value = _chinese_number(words, index)
        if stop > index:
            if [each.text for each in words[stop : stop + 2]] == ["分", "之"] and value == 100:  # 百分之十五
                end, share = _chinese_number(words, stop + 2, alone=True)
                if end == stop + 2 and end < len(words) and words[end].text[0].isdigit():
                    end, share_text = end + 1, words[end].text
                else:
                    share_text = str(share)
                if end > stop + 2:
                    last = words[end - 1].stop
                    found += [replace(word, text=share_text, stop=last), replace(word, text="%", stop=last)]
                    index = end
                    continue
            found.append(replace(word, text=str(value), stop=words[stop - 1].stop))
            index = stop
        else:
            one = word.text == "one" and index + 1 < len(words) and words[index + 1].text in ("over", "minus")
            digits = "1" if one else _DIGITS.get(word.text)
            found.append(word if digits is None else replace(word, text=digits))
            index += 1
        index = _unit(words, index, found)
    return found


def _unit(words: Sequence[Word], index: int, found: list[Word]) -> int:
    """A unit after the number that ``found`` ends with: 4 倍, 4 times and 4 x are 4 x; 1.1 亿 is 110000000."""
    number = found[-1]
    if index >= len(words) or not number.text[0].isdigit() or not re.fullmatch(r"\d{1,12}(?:\.\d{1,6})?", number.text):
        return index
    unit = words[index]
    if unit.text in _SCALES and (unit.text not in ("m", "b", "k") or unit.start < number.stop):
        value = Decimal(number.text).scaleb(_SCALES[unit.text])
        found[-1] = replace(number, text=f"{value.normalize():f}", stop=unit.stop)
        return index + 1
    if unit.text in ("倍", "times", "fold", "x"):
        found.append(replace(unit, text="x"))
        return index + 1
    if unit.text in ("percent", "percentage"):
        found.append(replace(unit, text="%"))
        return index + 1
    if unit.text == "per" and index + 1 < len(words) and words[index + 1].text == "cent":
        found.append(replace(unit, text="%", stop=words[index + 1].stop))
        return index + 2
    return index


def _chinese_number(words: Sequence[Word], start: int, alone: bool = False) -> tuple[int, int]:
    """Where a Chinese numeral that begins at ``start`` stops, and its value; ``start`` itself where there is none.

    A single digit is one only before what is counted (四倍, not 四肢); 一 only in 一万 and 一亿.
    """
    stop, total, digit = start, 0, -1
    while stop < len(words) and stop < start + 9:
        text = words[stop].text
        if text in _CHINESE and digit < 0:
            digit = _CHINESE[text]
        elif text in _TENS and (digit > 0 or (text in "十百" and stop == start)):
            total, digit = total + max(digit, 1) * _TENS[text], -1
        else:
            break
        stop += 1
    value = total + max(digit, 0)
    if stop == start or (stop == start + 1 and words[start].text in "0〇"):
        return start, 0
    following = words[stop].text if stop < len(words) else ""
    if following in ("万", "亿"):
        return stop, value
    if stop == start + 1 and not alone and (value == 1 or (following not in _COUNTED and following != "分")):
        return start, 0
    return stop, value
