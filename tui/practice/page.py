"""A page by itself: HTML with its style and figures in it, that asks nothing of the network, to read and to print.

Markdown is rendered without raw HTML and without pictures: what a person typed, or a stranger's file says, is text,
and whoever opens the page asks no machine for anything.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from questions.bilingual import Language
from questions.model import ExperimentUse
from tui.figures.data import Figure
from tui.figures.export import figure_svg

Figures = Callable[[ExperimentUse], Sequence[Figure]]
WIDTH = 90  # columns of a figure
_SAFE_LINK = re.compile(r"https?://|mailto:|#", re.I)  # not to a program, a drive, or the page itself
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 52rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #8886; }
table { border-collapse: collapse; } th, td { border: 1px solid #8886; padding: .2rem .6rem; text-align: left; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .6rem; border-radius: 4px; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; }
svg { width: 100%; height: auto; } figure { margin: 1rem 0; }
@media print { body { font-size: 11pt; max-width: none; margin: 0; } h2 { break-after: avoid; }
  figure, li, tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Section:
    """``anchor`` is what links lead to; ``experiment`` is the one whose figure stands at the end.

    ``number`` is that of the question that it is about, 0 for one about all of them.
    """

    title: str
    markdown: str
    anchor: str = ""
    experiment: ExperimentUse | None = None
    number: int = 0


def as_html(markdown: str, *, inline: bool = False) -> str:
    """Markdown of anybody's as HTML: tags stand as they were written, and a picture is a link that one may follow.

    >>> as_html("**a** <b> ![x](https://y.z/w.png)", inline=True)
    '<strong>a</strong> &lt;b&gt; !<a href="https://y.z/w.png">x</a>'
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.validateLink = lambda url: _SAFE_LINK.match(url) is not None  # type: ignore[method-assign]
    rendered: str = parser.renderInline(markdown) if inline else parser.render(markdown)
    return rendered.strip()


def page(title: str, sections: Sequence[Section], language: Language, figures: Figures) -> str:
    """The whole page. ``figures`` runs an experiment and gives what to draw of it, nothing where it cannot."""
    parts = []
    for section in sections:
        name = f' id="{html.escape(section.anchor)}"' if section.anchor else ""
        parts.append(f"<section{name}>\n<h2>{html.escape(section.title)}</h2>\n{as_html(section.markdown)}")
        if section.experiment is not None:
            for figure in figures(section.experiment):
                parts.append(f"<figure>{figure_svg(figure, language, width=WIDTH)}</figure>")
        parts.append("</section>")
    body = "\n".join(parts)
    lang = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{html.escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
