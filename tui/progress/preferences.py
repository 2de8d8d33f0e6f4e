"""What a person sets about their schedule, kept in the store's settings: names, defaults, and what each takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Protocol

from questions.bilingual import Bilingual
from tui.language.usage import UsageError, unknown
from tui.progress.schedule import Schedule

NOTHING = ("none", "off", "never", "无", "-")
_A_DAY = Bilingual("2026-12-05 这样的日期，或“无”", "a day such as 2026-12-05, or none")


class SettingsStore(Protocol):
    """What is needed of the store."""

    schedule: Schedule

    def setting(self, name: str, default: Any = None) -> Any: ...

    def set_setting(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True)
class Preferences:
    """``interview_on`` is the day of the interview, where the person has said it."""

    rollover_hour: int = 4
    new_per_day: int = 20
    reviews_per_day: int = 200
    desired_retention: float = 0.9
    interview_on: date | None = None


@dataclass(frozen=True)
class Setting:
    """``takes`` says in a few characters what may be given; ``read`` raises ``ValueError`` at anything else."""

    name: str
    takes: str | Bilingual
    read: Callable[[str], Any]
    write: Callable[[Any], Any] = lambda value: value  # as JSON keeps it


def _between(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = kind(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return read


def _day(text: str) -> date | None:
    """``2026-12-05``, and as people write it: ``2026/12/5``, ``2026年12月5日``, in full width."""
    text = unicodedata.normalize("NFKC", text).strip()
    if text.lower() in NOTHING:
        return None
    parts = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", text)
    return date.fromisoformat(text) if parts is None else date(*map(int, parts.groups()))


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("rollover-hour", "0..23", _between(int, 0, 23)),
        Setting("new-per-day", "0..9999", _between(int, 0, 9999)),
        Setting("reviews-per-day", "0..9999", _between(int, 0, 9999)),
        Setting("desired-retention", "0.7..0.97", _between(float, 0.7, 0.97)),
        Setting("interview-on", _A_DAY, _day, lambda day: None if day is None else day.isoformat()),
    )
}


def read_preferences(store: SettingsStore) -> Preferences:
    """What is set; what is not, or cannot be read, is at its default."""
    found: dict[str, Any] = {}
    for setting in SETTINGS.values():
        kept = store.setting(setting.name)
        if kept is not None:
            try:
                found[setting.name.replace("-", "_")] = setting.read(str(kept))
            except ValueError:
                continue
    return Preferences(**found)


def value_of(preferences: Preferences, name: str) -> str | Bilingual:
    """A setting as it is shown and typed."""
    value = getattr(preferences, name.replace("-", "_"))
    return Bilingual("无", "none") if value is None else str(value)


def change_setting(store: SettingsStore, name: str, text: str) -> None:
    """Set ``name`` to what was typed. Raises ``UsageError``."""
    if name not in SETTINGS:
        raise unknown("unknown-setting", name, SETTINGS)
    setting = SETTINGS[name]
    try:
        value = setting.read(text.strip())
    except ValueError as error:
        raise UsageError("setting-not-taken", name=name, given=text[:100], takes=setting.takes) from error
    store.set_setting(name, setting.write(value))
    store.schedule = replace(store.schedule, desired_retention=read_preferences(store).desired_retention)


assert {field.name for field in fields(Preferences)} == {name.replace("-", "_") for name in SETTINGS}
