"""Attention as HTML: every head small, one large, a cell under the pointer that says its numbers. All in one."""

from __future__ import annotations

import html
import itertools
import json
import math
from collections.abc import Sequence

import numpy as np

from mlxformer.inspection.attention_text import COLORS

DIGITS = 5  # significant digits of a value in the page
_numbers = itertools.count()

STYLE = """
.mf-show { font: 14px/1.5 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif }
.mf-show canvas { margin: 0 6px 6px 0; cursor: pointer; border: 2px solid transparent; image-rendering: pixelated }
.mf-show canvas.on { border-color: #d55e00 }
.mf-show table { border-collapse: collapse; width: auto } .mf-show td { min-width: 1.7em; height: 1.7em; padding: 0 }
.mf-show th { font-weight: 400; padding: 0 .4em; text-align: right; white-space: nowrap }
.mf-show .few td { min-width: 4.6em; height: 2em; text-align: center; font-size: 12px }
.mf-show tr:first-child th { text-align: center }
.mf-show .says { min-height: 1.5em; margin: .4em 0 }
"""

SCRIPT = """
(root => { const d = JSON.parse(root.querySelector("script").textContent); let head = 0;
const all = d.values.flat(2).filter(v => v !== null);
const low = all.reduce((a, b) => Math.min(a, b), 0), high = all.reduce((a, b) => Math.max(a, b), low + 1e-30);
const color = v => { if (v === null) return "#888";
  const at = (v - low) / (high - low) * (d.colors.length - 1), i = Math.min(Math.floor(at), d.colors.length - 2);
  const part = (c, k) => parseInt(c.slice(2 * k, 2 * k + 2), 16), [a, b] = [d.colors[i], d.colors[i + 1]];
  return "rgb(" + [0, 1, 2].map(k => Math.round(part(a, k) + (part(b, k) - part(a, k)) * (at - i))) + ")"; };
const heads = root.querySelector(".heads"), cells = root.querySelector("table"), says = root.querySelector(".says");
const few = d.keys.length <= 16; cells.classList.toggle("few", few);
const draw = () => { [...heads.children].forEach((c, i) => c.classList.toggle("on", i === head));
  cells.replaceChildren(); const top = cells.insertRow();
  for (const k of ["", ...d.keys]) { const th = document.createElement("th"); th.textContent = k; top.append(th); }
  d.values[head].forEach((row, q) => { const tr = cells.insertRow(), th = document.createElement("th");
    th.textContent = d.queries[q]; tr.append(th);
    row.forEach((v, k) => { const td = tr.insertCell(); td.style.background = color(v);
      if (few) { td.textContent = v === null ? "?" : Math.abs(v) < 1 ? v.toFixed(3) : v.toPrecision(3);
        td.style.color = v > low + .6 * (high - low) ? "#000" : "#fff"; }
      td.onmouseenter = td.onclick = () => { const rank = 1 + row.filter(w => w > v).length;
        says.textContent = `head ${d.heads[head]}: query ${d.queries[q]} → key ${d.keys[k]}: ` +
          `${v === null ? d.odd[[head, q, k]] : v}, rank ${rank} of ${row.length}`; }; }); }); };
d.values.forEach((plane, i) => { const c = document.createElement("canvas"), n = plane.length, m = plane[0].length;
  c.width = m; c.height = n; c.style.width = "96px"; c.style.height = Math.max(Math.round(96 * n / m), 8) + "px";
  c.title = "head " + d.heads[i]; const pen = c.getContext("2d");
  plane.forEach((row, q) => row.forEach((v, k) => { pen.fillStyle = color(v); pen.fillRect(k, q, 1, 1); }));
  c.onclick = () => { head = i; draw(); }; if (d.values.length > 1) heads.append(c); });
draw(); })(document.getElementById("ID"));
"""


def fragment(values: np.ndarray, queries: Sequence[str], keys: Sequence[str], title: str, heads: Sequence[int]) -> str:
    """A piece of HTML with its style and script, for a notebook.

    Args:
        values: [H, Tq, Tk], float64; written with ``DIGITS`` significant digits, infinities and NaN as gray cells.
        queries: a word for each of Tq rows.
        keys: a word for each of Tk columns.
        title: what stands above, before the shape; plain text, which is escaped.
        heads: the number of each of H heads, by which the page calls them.

    >>> from mlxformer.inspection.attention_page import fragment
    >>> fragment(np.eye(2)[None], ["the", "cat"], ["the", "cat"], "weights", [0])[:20]
    '<div class="mf-show"'
    """
    name = f"mf-show-{next(_numbers)}-{id(values):x}"
    count, rows, columns = values.shape
    odd = {
        f"{head},{row},{column}": str(values[head, row, column])
        for head, row, column in np.argwhere(~np.isfinite(values)).tolist()
    }
    data = {
        "values": [[[_short(cell) for cell in row] for row in plane] for plane in values.tolist()],
        "odd": odd,
        "queries": list(queries),
        "keys": list(keys),
        "heads": list(heads),
        "colors": COLORS,
    }
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    heading = f"<p><b>{html.escape(title)}</b> · {count} × {rows} × {columns}</p>"
    return (
        f'<div class="mf-show" id="{name}"><style>{STYLE}</style>{heading}<div class="heads"></div><table></table>'
        f'<p class="says"></p><script type="application/json">{packed}</script></div>'
        f"<script>{SCRIPT.replace('ID', name)}</script>"
    )


def page(values: np.ndarray, queries: Sequence[str], keys: Sequence[str], title: str, heads: Sequence[int]) -> str:
    """A whole page.

    Args:
        values: [H, Tq, Tk], float64; as in ``fragment``.
        queries: a word for each of Tq rows.
        keys: a word for each of Tk columns.
        title: what stands above, and the title of the page; plain text, which is escaped.
        heads: the number of each of H heads, by which the page calls them.

    >>> from mlxformer.inspection.attention_page import page
    >>> "<title>weights</title>" in page(np.eye(2)[None], ["the", "cat"], ["the", "cat"], "weights", [0])
    True
    """
    inside = fragment(values, queries, keys, title, heads)
    name = html.escape(title)
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{name}</title></head><body>{inside}</body></html>\n'
    )


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
