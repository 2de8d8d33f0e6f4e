"""No number without something that holds it, and nothing else refused."""

from __future__ import annotations

import pytest

from questions.prose import faults


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("约 61 % 的行", ["61 %"]),
        ("61%", ["61%"]),
        ("６１％ 的行", ["６１％"]),
        ("5‰", ["5‰"]),
        ("ten, or 10 percent", ["10 percent"]),
        ("10 per cent", ["10 per cent"]),
        ("掉了 3 个百分点", ["3 个百分点"]),
        ("百分之六十一的行", ["百分之六十一"]),
        ("80/10/10 %", ["10 %"]),
        ("a 2-3 % drop", ["3 %"]),
        ("0.5", ["0.5"]),
        ("０．５", ["０．５"]),
        ("f=.99", [".99"]),
        ("0.5–0.7", ["0.5", "0.7"]),
        ("β = (0.9, 0.999)", ["0.9", "0.999"]),
        ("d^-0.5", ["0.5"]),
        ("**0.5**", ["0.5"]),
        ("1e-6", ["1e-6"]),
        ("2.8×10⁻³", ["2.8×10⁻³"]),
        ("误差低于 10⁻⁶", ["10⁻⁶"]),
        ("BLEU 28.4", ["28.4"]),
        ("在 §3 里是 28.4", ["28.4"]),
        ("From §3.2 and 0.5", ["0.5"]),
        ("§3.2, 61 %", ["61 %"]),
        ("3.5x faster", ["3.5"]),
        ("GPT-3.5 reaches 70.0", ["70.0"]),
        ("[见 0.5](https://example.org/1.5)", ["0.5"]),
        ("`0.5` or 0.5", ["0.5"]),
    ],
)
def test_a_bare_number_is_refused(text, bare):
    assert [text[fault.start : fault.stop].strip() for fault in faults(text) if fault.code == "bare-number"] == bare


@pytest.mark.parametrize(
    "text",
    [
        "§3.2.1",
        "§3.2",
        "§3.2–3.4",
        "§§3.1 和 §3.2",
        "Section 5.3",
        "第 3.2 节",
        "3.2 节",
        "附录 A.2",
        "App. C.2",
        "Table 3.1",
        "表 3.1",
        "eq. 3.1",
        "GPT-3.5",
        "GPT-3.5 and GPT-4",
        "Qwen2.5-7B",
        "T5-1.1",
        "v1.5",
        "version 1.5",
        "Python 3.11",
        "Llama 3.1",
        "2026.11.23",
        "arXiv:1706.03762",
        "arXiv 1706.03762",
        "doi:10.1162/neco.1997.9.8.1735",
        "https://example.org/1.5，好",
        "[the paper](https://example.org/c_1.5)",
        "1. 第一步\n2. 第二步",
        "一共 6.",
        "8 heads, 512 wide, 1,048,576 parameters",
        "1/2",
        "n=3...5",
        "O(n²·d)",
        "10⁵",
        "e.g. 3",
        "`0.5` and ``61 %``",
        "```\n0.5 and 61 %\n```",
        "[61 %](check:a), [28.4](source:1), [0.93](card:m/e)",
    ],
)
def test_what_is_no_quantity_is_let_through(text):
    assert faults(text) == []


def test_a_malformed_link_is_named():
    assert [fault.code for fault in faults("[61 %](chek:a)")] == ["link-unknown", "bare-number"]
    assert "did you mean 'check'?" in faults("[61 %](chek:a)")[0].message
    assert [fault.code for fault in faults("[most](check:a)")] == ["not-a-number"]
    assert [fault.code for fault in faults("[x](javascript:alert)")] == ["link-unknown"]


def test_the_message_holds_the_cure():
    (fault,) = faults("约 61 %")
    assert "[61 %](check:NAME)" in fault.message and "`61 %`" in fault.message
    assert fault.fields == {"number": "61 %"}
