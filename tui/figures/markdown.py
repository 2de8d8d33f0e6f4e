"""The Markdown of the bank as lines of styled text, broken as Chinese is broken.

CommonMark and tables, without HTML. Two things differ from CommonMark, both because Chinese has no spaces:
``**先说结论。**再写公式`` is bold (CommonMark does not let ``**`` close between "。" and a letter), and a line break in
the source between two ideographs is nothing, not a space. A link is what ``link(href, text)`` makes of it, so that a
checked number can show its ✓; nothing else in the text is interpreted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from tui.figures.look import Look
from tui.text.layout import is_ideographic, line_spans, pad, visible, wrap_styled

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Link = Callable[[str, str], Text | str]
TABLE_GAP = 2
_MARKS = frozenset("\\*_[]<&")  # what may begin something within a line; "!" only before "["


def markdown_lines(text: str, width: int, look: Look, link: Link | None = None) -> list[Text]:
    """``text`` as lines of at most ``width`` cells; ``link`` says what stands for a link, its text where None."""
    plain = _plain(text, look)
    if plain is not None:
        lines = wrap_styled(plain, max(width, 1))
    else:
        lines = _Writer(look, link).blocks(_tree(_parser().parse(text)), max(width, 1))
    for line in lines:
        if cell_len(line.plain) > width:  # narrower than a table's columns
            line.truncate(width)
    return lines


def _plain(text: str, look: Look) -> Text | None:
    """A line in which nothing is marked but `code`, which needs no parser; None where ``text`` is anything else.

    The parser takes a tenth of a start, and the choices of a question are such lines.
    """
    parts = text.split("`")
    if not text[:1].isalpha() or not text.isprintable() or text[-1] == " " or len(parts) % 2 == 0:
        return None
    if not _MARKS.isdisjoint("".join(parts[::2])) or any(part != part.strip() or not part for part in parts[1::2]):
        return None
    styles = ("", look.accent)
    return Text.assemble(*((visible(part), styles[number % 2]) for number, part in enumerate(parts)))


class Node:
    """A block with the blocks or the inline tokens in it."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.children: list[Node] = []

    @property
    def kind(self) -> str:
        return self.token.type.removesuffix("_open")

    @property
    def inline(self) -> Sequence[Token]:
        return self.token.children or ()


def _tree(tokens: Sequence[Token]) -> list[Node]:
    """The blocks of a flat token stream, each holding what stands between its opening and its closing."""
    top: list[Node] = []
    stack: list[list[Node]] = [top]
    for token in tokens:
        if token.nesting < 0:
            stack.pop()
            continue
        node = Node(token)
        stack[-1].append(node)
        if token.nesting > 0:
            stack.append(node.children)
    return top


class _Writer:
    def __init__(self, look: Look, link: Link | None) -> None:
        self.look, self.link = look, link

    def blocks(self, nodes: Sequence[Node], width: int, *, tight: bool = False) -> list[Text]:
        """Blocks one after another, a blank line between them unless the list they are in is tight."""
        lines: list[Text] = []
        for node in nodes:
            block = self._block(node, width)
            if lines and block and not tight:
                lines.append(Text())
            lines += block
        return lines

    def _block(self, node: Node, width: int) -> list[Text]:
        kind = node.kind
        if kind == "inline":
            return wrap_styled(self.inline(node.inline), width)
        if kind == "paragraph":
            return [line for child in node.children for line in self._block(child, width)]
        if kind == "heading":
            return [self._styled(line, f"{self.look.strong} underline") for line in self._inner(node, width)]
        if kind in ("bullet_list", "ordered_list"):
            return self._list(node, width)
        if kind == "blockquote":
            return self._behind("> ", self.blocks(node.children, max(width - 2, 1)), self.look.dim)
        if kind in ("fence", "code_block"):
            return self._code(node.token.content, width)
        if kind == "table":
            return self._table(node, width)
        if kind == "hr":
            return [Text(self.look.glyphs.horizontal * width, style=self.look.dim)]
        return self._inner(node, width)

    def _inner(self, node: Node, width: int) -> list[Text]:
        return self.blocks(node.children, width, tight=True)

    @staticmethod
    def _styled(line: Text, style: str) -> Text:
        line.stylize(style)
        return line

    def _behind(self, mark: str, lines: Sequence[Text], style: str) -> list[Text]:
        return [Text.assemble((mark, style), line) for line in lines]

    def _list(self, node: Node, width: int) -> list[Text]:
        """The items, each behind its bullet or number; what an item has below goes on under its text."""
        number = int(node.token.attrs.get("start", 1)) if node.kind == "ordered_list" else None
        blocks = [block for item in node.children for block in item.children]
        tight = all(block.token.hidden for block in blocks if block.kind == "paragraph")
        lines: list[Text] = []
        last = (number or 0) + len(node.children) - 1
        for index, item in enumerate(node.children):
            mark = f"{self.look.glyphs.bullet} " if number is None else f"{number + index}. ".rjust(len(str(last)) + 2)
            indent = cell_len(mark)
            inner = self.blocks(item.children, max(width - indent, 1), tight=tight) or [Text()]
            if lines and not tight:
                lines.append(Text())
            lines.append(Text.assemble((mark, self.look.accent), inner[0]))
            lines += [Text.assemble(" " * indent, line) if line.plain else line for line in inner[1:]]
        return lines

    def _code(self, content: str, width: int) -> list[Text]:
        """Code and formulas as they are, two cells in; a line that is too long goes on below."""
        lines = []
        for source in content.rstrip("\n").expandtabs(4).split("\n"):
            for start, end in line_spans(source, max(width - 2, 1)):
                lines.append(Text.assemble("  ", (source[start:end], self.look.accent)))
        return lines

    def _table(self, node: Node, width: int) -> list[Text]:
        rows = [
            [self.inline(cell.children[0].inline if cell.children else ()) for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        right = [_is_right(cell.token) for cell in node.children[0].children[0].children]
        widths = _column_widths([[cell_len(cell.plain) for cell in row] for row in rows], width)
        lines: list[Text] = []
        for index, row in enumerate(rows):
            if index == 0:
                for cell in row:
                    cell.stylize(self.look.strong)
            lines += _table_row(row, widths, right)
            if index == 0:
                rule = (" " * TABLE_GAP).join(self.look.glyphs.horizontal * wide for wide in widths)
                lines.append(Text(rule, style=self.look.dim))
        return lines

    # -- within a line

    def inline(self, tokens: Sequence[Token]) -> Text:
        """Inline tokens as one text with newlines where the source has hard breaks."""
        text = Text()
        styles: list[str] = []
        tokens = list(tokens)
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type == "link_open":
                close = next(at for at in range(index, len(tokens)) if tokens[at].type == "link_close")
                text.append_text(self._linked(str(token.attrs["href"]), self.inline(tokens[index + 1 : close]), styles))
                index = close
            elif token.type in ("strong_open", "em_open"):
                styles.append(self.look.strong if token.type == "strong_open" else "italic")
            elif token.type in ("strong_close", "em_close"):
                styles.pop()
            elif token.type == "softbreak":
                text.append(_soft_break(text.plain, tokens[index + 1 :]))
            elif token.type == "hardbreak":
                text.append("\n")
            elif token.type == "code_inline":
                text.append(visible(token.content), " ".join([*styles, self.look.accent]))
            else:  # text, an image's description, HTML that is not interpreted
                text.append(visible(token.content), " ".join(styles))
            index += 1
        return text

    def _linked(self, href: str, inner: Text, styles: Sequence[str]) -> Text:
        if self.link is None:
            shown = inner
            shown.stylize("underline")
        else:
            made = self.link(href, inner.plain)
            shown = Text(made) if isinstance(made, str) else made
        for style in styles:
            shown.stylize(style)
        return shown


def _soft_break(before: str, after: Sequence[Token]) -> str:
    """A line break of the source: a space, unless ideographs stand on both sides of it."""
    following = next((token.content for token in after if token.content), "")
    chinese = before[-1:] and is_ideographic(before[-1]) and following and is_ideographic(following[0])
    return "" if chinese else " "


def _is_right(token: Token) -> bool:
    return "right" in str(token.attrs.get("style", ""))


def _column_widths(cells: Sequence[Sequence[int]], width: int) -> list[int]:
    widths = [max(1, *(row[at] for row in cells)) for at in range(len(cells[0]))]
    room = max(width - TABLE_GAP * (len(widths) - 1), len(widths))
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths


def _table_row(row: Sequence[Text], widths: Sequence[int], right: Sequence[bool]) -> Iterator[Text]:
    wrapped = [wrap_styled(cell, wide) for cell, wide in zip(row, widths, strict=True)]
    for at in range(max(map(len, wrapped))):
        line = Text()
        for place, (lines, wide, to_right) in enumerate(zip(wrapped, widths, right, strict=True)):
            cell = lines[at] if at < len(lines) else Text()
            blank = pad("", max(wide - cell_len(cell.plain), 0))
            line.append(" " * TABLE_GAP if place else "")
            line.append_text(Text.assemble(blank, cell) if to_right else Text.assemble(cell, blank))
        line.rstrip()
        yield line


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]  # names of checks are no addresses
    return parser


def _emphasis(state: Any, silent: bool) -> bool:
    """CommonMark's rule of ``*`` and ``_``, where an ideograph beside the marks counts as a space does.

    As in the specification "markdown-cjk-friendly" by tats-u.
    """
    from markdown_it.rules_inline.state_inline import Delimiter

    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    can_open, can_close = scanned.can_open, scanned.can_close
    if marker == "*":
        before = state.src[state.pos - 1] if state.pos else " "
        end = state.pos + scanned.length
        after = state.src[end] if end < state.posMax else " "
        can_open = can_open or (not after.isspace() and is_ideographic(before))
        can_close = can_close or (not before.isspace() and is_ideographic(after))
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        token = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(marker), scanned.length, token, -1, can_open, can_close))
    state.pos += scanned.length
    return True
