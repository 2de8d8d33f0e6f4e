"""Rich's styled lines with what would act on a terminal written out, each piece in its own style."""

from __future__ import annotations

from rich.text import Text

from tui.language.harmless import ACTING_OR_PARTING, in_a_line


def harmless_line(line: Text) -> Text:
    """``line`` itself where nothing in it acts; a tab and a line end are written out too."""
    acting = list(ACTING_OR_PARTING.finditer(line.plain))
    if not acting:
        return line
    whole = line.blank_copy()
    for piece in line.divide([place for found in acting for place in found.span()]):
        if len(piece.plain) == 1:
            piece.plain = in_a_line(piece.plain)
        whole.append_text(piece)
    return whole
