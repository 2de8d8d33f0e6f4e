"""What every widget here shares: it speaks two languages, its keys too, and it draws with the colors of the theme."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style as RichStyle
from rich.text import Text
from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.content import Content, Span
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from questions.bilingual import Language
from tui.figures.look import PLAIN, UNICODE, Glyphs, Look
from tui.text.styled import harmless_line

# Okabe and Ito's colors, which are told apart with every color blindness, in an order that suits the background.
SERIES_ON_DARK = ("#56b4e9", "#e69f00", "#2fc79b", "#f0e442", "#de8fbc", "#ee7733")
SERIES_ON_LIGHT = ("#0072b2", "#c44e00", "#007a58", "#a8437f", "#7a6200", "#333333")
ANSI_SERIES = ("ansi_blue", "ansi_yellow", "ansi_green", "ansi_magenta", "ansi_cyan", "ansi_red")


def parse_action(action: str) -> tuple[str, tuple[object, ...]]:
    """The name and the arguments of an action as bindings have it: ``turn(-1)``."""
    _, name, parameters = parse(action)
    return name, parameters


@dataclass(frozen=True)
class Key:
    """A key (or several, by commas): what it does in few words and in a sentence, and the family it belongs to.

    The texts are written ``中文|English``.
    """

    keys: str
    action: str
    id: str
    name: str
    tip: str
    group: str = ""
    show: bool = True
    written: str = ""  # as a person reads it; the first key where empty


BarKey = tuple[str, str, str, str]  # as written, ``中文|English``, an action, and the key (Textual's name) that runs it


def bindings(keys: Sequence[Key], language: Language = "en") -> list[Binding]:
    """Textual's bindings for ``keys``, described in ``language``."""
    return [
        Binding(
            key.keys,
            key.action,
            _said(key.name, language),
            show=key.show,
            key_display=key.written or None,
            tooltip=_said(key.tip, language),
            id=key.id,
            group=Binding.Group(_said(key.group, language)) if key.group else None,
        )
        for key in keys
    ]


def _said(both: str, language: Language) -> str:
    chinese, _, english = both.partition("|")
    return chinese if language == "zh" else english


class SpeakingWidget(Widget):
    """A widget with a ``language``. Its ``KEYS`` are described in that language, in the footer and in the help."""

    KEYS: ClassVar[Sequence[Key]] = ()
    BAR: ClassVar[Sequence[BarKey]] = ()  # of several keys that do alike things, what the key bar says
    language: reactive[Language] = reactive[Language]("zh", init=False)

    def __init__(self, *, language: Language = "zh", id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.set_reactive(SpeakingWidget.language, language)
        self._describe_keys()

    def watch_language(self) -> None:
        self._describe_keys()
        for child in self.children:
            if isinstance(child, SpeakingWidget):
                child.language = self.language
        self.said_anew()
        self.refresh(layout=True)
        if self.is_attached:
            self.refresh_bindings()

    def said_anew(self) -> None:
        """Called when the language has changed, for what is not said in ``render``."""

    def help_keys(self, language: Language) -> list[tuple[str, str]]:
        """The keys that act here, as they are written, and what they do."""
        return [(key.written or key.keys.split(",")[0], _said(key.tip, language)) for key in self.KEYS]

    def bar_keys(self) -> list[tuple[str, str, str, str]]:
        """For the key bar, the keys that act here at this moment: as written, what they do, action, Textual's name."""
        shown = [
            *self.BAR,
            *((key.written or key.keys.split(",")[0], key.name, key.action, "") for key in self.KEYS if key.show),
        ]
        found = []
        for written, name, action, key in shown:
            action_name, parameters = parse_action(action)
            if self.check_action(action_name, parameters):
                first = key or next(each.keys.split(",")[0] for each in self.KEYS if each.action == action)
                found.append((written, _said(name, self.language), action, first))
        return found

    def _describe_keys(self) -> None:
        said = {binding.id: binding for binding in bindings(self.KEYS, self.language)}
        for held in self._bindings.key_to_bindings.values():
            for place, binding in enumerate(held):
                new = said.get(binding.id) if binding.id else None
                if new is not None:
                    held[place] = dataclasses.replace(
                        binding, description=new.description, tooltip=new.tooltip, group=new.group
                    )

    @property
    def look(self) -> Look:
        return look_of(self.app)


def look_of(app: App[object]) -> Look:
    """The look that suits the app's theme. The styles name the theme's own colors, which Textual resolves.

    An app that has ``glyphs`` (``tui.figures.look.ASCII``) is drawn with those.
    """
    glyphs: Glyphs = getattr(app, "glyphs", UNICODE)
    dark = app.current_theme.dark
    if app.no_color and app.native_ansi_color:  # Textual then strips every color, those of blanks too
        return dataclasses.replace(PLAIN, dark=dark, glyphs=glyphs)
    if app.native_ansi_color:
        series = ANSI_SERIES
    else:
        series = SERIES_ON_DARK if dark else SERIES_ON_LIGHT
    return Look(
        few=app.console.color_system == "standard" and not app.is_headless,  # without a terminal there are all
        hues=not app.no_color,
        dark=dark,
        glyphs=glyphs,
        title="bold",
        axis="dim",
        dim="dim",
        accent="$text-accent",
        good="$text-success",
        bad="$text-error",
        series=series,
    )


def to_content(lines: Iterable[Text]) -> Content:
    """Lines drawn with a ``look_of`` as Textual's content. Nothing in them is read as markup."""
    plain: list[str] = []
    spans: list[Span] = []
    offset = 0
    for line in map(harmless_line, lines):
        end = offset + len(line.plain)
        if line.style:
            spans.append(Span(offset, end, _style(line.style)))
        spans += [Span(offset + span.start, offset + span.end, _style(span.style)) for span in line.spans if span.style]
        plain.append(line.plain)
        offset = end + 1
    return Content("\n".join(plain), spans)


def _style(style: str | RichStyle) -> str | Style:
    return style if isinstance(style, str) else Style.from_rich_style(style)
