"""Figures as a page that needs nothing else: maps with stages and heads to click, curves as vectors, words as words."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence

from questions.bilingual import Language, say
from tui.figures.axes import Axis
from tui.figures.bars_text import value_label
from tui.figures.caption import caption
from tui.figures.colors import VIRIDIS, hex_of, ink_on
from tui.figures.curve_plot import y_axis
from tui.figures.curve_text import axis_label
from tui.figures.data import Bars, Curve, Figure, Heatmap, Links, Table, Tensor, TokenRow, Tokens
from tui.figures.heatmap import last_shown_stage
from tui.figures.numbers import short
from tui.figures.plain import figure_to_plain
from tui.figures.table_text import cell_text, numeric
from tui.figures.tensor_text import as_heatmap

LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # told apart with color blindness too
WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 16, 48

STYLE = """
body { font: 16px/1.5 system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 2em auto;
  max-width: 1000px; padding: 0 1em; color-scheme: light dark; background: Canvas; color: CanvasText }
figure { margin: 0 0 3em; overflow-x: auto } figcaption { font-weight: 600; margin-bottom: .6em }
table { border-collapse: collapse } td, th { padding: .15em .6em; border-bottom: 1px solid #8884; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
.map td { border: 0; padding: 0; min-width: 1.6em; height: 1.6em; text-align: center; font-size: 11px }
.map.few td { min-width: 5em; height: 2.2em }
.map th { border: 0; font-weight: 400; padding: 0 .4em; white-space: nowrap }
button { font: inherit; margin: 0 .3em .5em 0 } button.on { font-weight: 700; outline: 2px solid #0072b2 }
.says { min-height: 1.6em } .bar { background: #0072b2; height: 1.1em } .bar.minus { background: #d55e00 }
.token { display: inline-block; padding: 0 .35em; margin: .1em; border-radius: .2em; text-align: center }
.token small { display: block } .muted { opacity: .7 } svg text { fill: currentColor; font-size: 13px }
"""

SCRIPT = """
for (const box of document.querySelectorAll("[data-map]")) {
  const d = JSON.parse(box.dataset.map); let stage = d.stage, head = 0;
  const colors = d.colors, cells = box.querySelector(".cells"), says = box.querySelector(".says");
  const number = v => v === null ? "–" : Math.abs(v) >= 1e5 || (v && Math.abs(v) < 1e-4) ? v.toExponential(2)
    : String(+v.toPrecision(4));
  const buttons = (where, names, get, set) => { if (names.length < 2) return;
    names.forEach((name, i) => { const b = document.createElement("button"); b.textContent = name;
      b.onclick = () => { set(i); draw(); }; b.dataset.i = i; b.dataset.get = get; where.append(b); }); };
  const draw = () => {
    for (const b of box.querySelectorAll("button"))
      b.classList.toggle("on", +b.dataset.i === (b.dataset.get === "stage" ? stage : head));
    const s = d.stages[stage], all = s.values.flat(2).filter(v => v !== null && v > -1e37);
    let low = Math.min(0, ...all.length < 1e5 ? all : [all.reduce((a, b) => Math.min(a, b))]);
    let high = all.reduce((a, b) => Math.max(a, b), 1e-30);
    const signed = s.scale === "signed", reach = Math.max(-low, high);
    const few = d.columns.length <= 16; cells.classList.toggle("few", few);
    cells.replaceChildren(); const top = cells.insertRow(); top.insertCell();
    for (const c of d.columns) { const th = document.createElement("th"); th.textContent = c; top.append(th); }
    s.values[head].forEach((row, r) => { const tr = cells.insertRow(); const th = document.createElement("th");
      th.textContent = d.rows[r]; tr.append(th);
      row.forEach((v, c) => { const td = tr.insertCell();
        const at = v === null || v <= -1e37 ? null : signed ? Math.abs(v) / reach : (v - low) / (high - low || 1);
        if (at === null) { td.textContent = v === null ? "?" : "x"; td.style.opacity = .4; }
        else if (signed) td.style.background = `hsl(${v < 0 ? 25 : 205} 90% 45% / ${at})`;
        else { const i = Math.round(at * (colors.length - 1)); td.style.background = colors[i];
          td.style.color = i > .6 * colors.length ? "#000" : "#fff"; }
        if (at !== null && few) td.textContent = Math.abs(v) < 1 ? v.toFixed(3) : v.toPrecision(3);
        else if (signed && v < 0) td.textContent = "–";
        td.onmouseenter = td.onclick = () => {
          const line = d.stages.map(t => t.title + " " + number(t.values[head][r][c]));
          says.textContent = `${d.row_axis} ${d.rows[r]} → ${d.column_axis} ${d.columns[c]}: ${line.join(", ")}`; };
      }); });
  };
  buttons(box.querySelector(".stages"), d.stages.map(s => s.title), "stage", i => stage = i);
  buttons(box.querySelector(".heads"), d.heads, "head", i => head = i);
  draw();
}
"""


def figures_html(figures: Sequence[Figure], language: Language, title: str = "") -> str:
    """A whole page; nothing in it is fetched from anywhere."""
    name = html.escape(title or say(figures[0].title, language) if figures else title)
    heading = f"<h1>{html.escape(title)}</h1>" if title else ""
    body = "\n".join(_figure(figure, language) for figure in figures)
    lang = "zh-Hans" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{name}</title><style>{STYLE}</style></head>\n'
        f"<body>{heading}\n{body}\n<script>{SCRIPT}</script></body></html>\n"
    )


def _figure(figure: Figure, language: Language) -> str:
    title = f"<figcaption>{html.escape(say(figure.title, language))}</figcaption>"
    said = f"<p>{html.escape(caption(figure, language))}</p>" if figure.made else ""
    return f"<figure>{title}{_inside(figure, language)}{said}</figure>"


def _inside(figure: Figure, language: Language) -> str:
    if isinstance(figure, Tensor):
        made = as_heatmap(figure)
        return html.escape(str(figure.values)) if made is None else _heatmap(made, language)
    if isinstance(figure, Heatmap):
        return _heatmap(figure, language)
    if isinstance(figure, Curve):
        return _curve(figure, language)
    if isinstance(figure, Bars):
        return _bars(figure, language)
    if isinstance(figure, Links):
        return _links(figure, language)
    return _tokens(figure, language) if isinstance(figure, Tokens) else _table(figure, language)


def _heatmap(figure: Heatmap, language: Language) -> str:
    plain = figure_to_plain(figure)
    data = {
        "rows": list(figure.rows),
        "columns": list(figure.columns),
        "row_axis": say(figure.row_axis, language),
        "column_axis": say(figure.column_axis, language),
        "heads": [say(head, language) for head in figure.heads],
        "stage": last_shown_stage(figure),
        "colors": [hex_of(VIRIDIS.levels[level]) for level in range(0, 256, 5)],
        "stages": [
            {"title": say(stage.title, language), "scale": stage.scale, "values": told["values"]}
            for stage, told in zip(figure.stages, plain["stages"], strict=True)
        ],
    }
    packed = html.escape(json.dumps(data, ensure_ascii=False, separators=(",", ":")), quote=True)
    return (
        f'<div data-map="{packed}"><div class="stages"></div><div class="heads"></div>'
        '<table class="cells map"></table><p class="says"></p></div>'
    )


def _curve(figure: Curve, language: Language) -> str:
    points = [(float(x), float(y)) for line in figure.series for x, y in zip(line.x, line.y, strict=True)]
    known = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    across = Axis.over([x for x, _ in known], log=figure.log_x)
    if known and min(known)[0] < max(known)[0] and not figure.log_x:
        across = Axis(min(known)[0], max(known)[0], whole=across.whole)
    up = y_axis(figure, [y for _, y in known])

    def place(x: float, y: float) -> tuple[float, float] | None:
        right, high = across.place(x), up.place(y)
        if right is None or high is None:
            return None
        return LEFT + right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - high * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">']
    low = HEIGHT - BOTTOM
    for value, text in up.ticks(6):
        at = place(across.low, value)
        if at is not None:
            y = at[1]
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for value, text in across.ticks(7):
        at = place(value, up.low)
        if at is not None:
            parts.append(f'<text x="{at[0]:.1f}" y="{low + 18}" text-anchor="middle">{text}</text>')
    for value, meaning in figure.marks:
        at = place(float(value), up.low)
        if at is not None:
            words = html.escape(f"{say(meaning, language)} {short(value)}")
            parts.append(
                f'<line x1="{at[0]:.1f}" x2="{at[0]:.1f}" y1="{TOP}" y2="{low}" stroke="#888" stroke-dasharray="3 3"/>'
                f'<text x="{at[0] + 4:.1f}" y="{TOP + 10}">{words}</text>'
            )
    taken: list[float] = []
    for index, line in enumerate(figure.series):
        color = LINES[index % len(LINES)]
        path, pen, end = [], "M", None
        for x, y in sorted(zip(map(float, line.x), map(float, line.y), strict=True)):
            here = place(x, y)
            if here is None:
                pen = "M"
                continue
            path.append(f"{pen}{here[0]:.1f} {here[1]:.1f}")
            pen, end = "L", here
        parts.append(f'<path d="{" ".join(path)}" fill="none" stroke="{color}" stroke-width="2"/>')
        if end is not None:
            y = end[1]
            while any(abs(y - other) < 15 for other in taken):
                y += 15
            taken.append(y)
            name = html.escape(say(line.name, language))
            parts.append(f'<text x="{end[0] + 6:.1f}" y="{y + 4:.1f}" style="fill:{color}">{name}</text>')
    x_label, y_label = (html.escape(axis_label(figure, which, language)) for which in "xy")
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text></svg>')
    return f'<div class="muted">{y_label}</div>' + "".join(parts)


def _bars(figure: Bars, language: Language) -> str:
    values = [float(value) for value in figure.values]
    shown = [math.log10(value) if figure.log and value > 0 else value for value in values]
    known = [value for value in shown if math.isfinite(value)]
    low = math.floor(min(known, default=0)) - 1 if figure.log else min([0.0, *known])
    high = max([0.0, *known]) if not figure.log else max(known, default=1)
    rows = []
    for label, value, at in zip(figure.labels, values, shown, strict=True):
        width = 100 * abs(at - (low if figure.log else 0)) / ((high - low) or 1) if math.isfinite(at) else 0
        minus = " minus" if value < 0 else ""
        rows.append(
            f"<tr><th>{html.escape(say(label, language))}</th>"
            f'<td style="width:30em"><div class="bar{minus}" style="width:{width:.2f}%"></div></td>'
            f'<td class="n">{short(value)}</td></tr>'
        )
    below = ""
    if figure.reference is not None:
        value, name = figure.reference
        below = f'<p class="muted">{html.escape(say(name, language))} = {short(value)}</p>'
    unit = html.escape(value_label(figure, language))
    return f'<div class="muted">{unit}</div><table>{"".join(rows)}</table>{below}'


def _links(figure: Links, language: Language) -> str:
    """Two columns of tokens and the lines between them; over a line stands what it is worth."""
    step, left, right = 24, 160, 520
    height = step * max(len(figure.rows), len(figure.columns), 1)
    parts = [f'<svg viewBox="0 0 {right + left} {height}" width="{right + left}" role="img">']
    for row, values in enumerate(figure.values):
        for column, value in enumerate(map(float, values)):
            if value >= 0.01:
                said = html.escape(f"{figure.rows[row]} → {figure.columns[column]}: {short(value)}")
                parts.append(
                    f'<line x1="{left}" x2="{right}" y1="{(row + 0.5) * step}" y2="{(column + 0.5) * step}" '
                    f'stroke="{LINES[0]}" stroke-width="{8 * value:.2f}" opacity="{0.25 + 0.75 * value:.2f}">'
                    f"<title>{said}</title></line>"
                )
    for at, token in enumerate(figure.rows):
        parts.append(f'<text x="{left - 8}" y="{(at + 0.7) * step}" text-anchor="end">{html.escape(token)}</text>')
    for at, token in enumerate(figure.columns):
        parts.append(f'<text x="{right + 8}" y="{(at + 0.7) * step}">{html.escape(token)}</text>')
    axes = f"{say(figure.row_axis, language)} → {say(figure.column_axis, language)}"
    return f'<div class="muted">{html.escape(axes)}</div>' + "".join(parts) + "</svg>"


def _tokens(figure: Tokens, language: Language) -> str:
    return "".join(_strip(strip, language) for strip in figure.strips)


def _strip(strip: TokenRow, language: Language) -> str:
    parts = []
    for at, token in enumerate(strip.tokens):
        style, tip = "background:#8883", ""
        if strip.values is not None and math.isfinite(float(strip.values[at])):
            color = VIRIDIS.at(float(strip.values[at]))
            style = f"background:{hex_of(color)};color:{hex_of(ink_on(color))}"
            tip = short(strip.values[at])
        mark = f"<small>{html.escape(strip.marks[at])}</small>" if strip.marks is not None and strip.marks[at] else ""
        parts.append(f'<span class="token" style="{style}" title="{tip}">{html.escape(token)}{mark}</span>')
    return f'<p><span class="muted">{html.escape(say(strip.label, language))}</span> {"".join(parts)}</p>'


def _table(figure: Table, language: Language) -> str:
    head = "".join(f"<th>{html.escape(say(column, language))}</th>" for column in figure.columns)
    right = [numeric(figure, at) for at in range(len(figure.columns))]
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if right[at] else ''}>{html.escape(cell_text(cell, language))}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in figure.rows
    )
    return f"<table><tr>{head}</tr>{rows}</table>"
