"""``settings``: what is set; ``settings NAME VALUE`` sets it."""

from __future__ import annotations

import argparse

from tui.commands.context import Context
from tui.commands.notices import tell_notices
from tui.commands.output import tell, write
from tui.language.usage import unknown
from tui.language.words import words
from tui.progress.agenda import Calendar
from tui.progress.preferences import SETTINGS, change_setting, read_preferences, value_of
from tui.progress.records import utc_now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("value", nargs="?")


def run(context: Context, options: argparse.Namespace) -> int:
    if options.name is not None and options.name not in SETTINGS:
        raise unknown("unknown-setting", options.name, SETTINGS)
    with context.open_store() if options.value is not None else context.read_store() as store:
        tell_notices(store.notices, context.language)
        if options.value is not None:
            store.require_kept()
            change_setting(store, options.name, options.value)
        preferences = read_preferences(store)
    for name, setting in SETTINGS.items():
        if options.name in (None, name):
            what = words(f"practice.{name}", context.language)
            fields = {"name": name, "value": value_of(preferences, name), "what": what, "takes": setting.takes}
            write(words("practice.setting", context.language, **fields))
    over = preferences.interview_on is not None and Calendar(preferences).days_left(utc_now()) is None
    if over and options.name in (None, "interview-on"):
        what, value = words("practice.interview-on", context.language), value_of(preferences, "interview-on")
        tell(words("screens.day-is-over", context.language, what=what, value=value))
    return 0
