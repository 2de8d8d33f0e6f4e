"""Look: inside a trained or real model: its heads, what each layer would predict, what a part is worth, its writing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList

from tui.experiments.compute import Failed, Finished, Outcome, Partly, Progressed
from tui.experiments.look.names import about, shipped_names
from tui.experiments.look.opening import Opening
from tui.figures.data import Table
from tui.screens.beside_list import BesideList
from tui.screens.dialogs import LineDialog
from tui.screens.key_bar import KeyHint
from tui.screens.listing import Listing
from tui.screens.live_panel import LivePanel
from tui.screens.program import Said
from tui.widgets.figures.messages import HeadChosen, HeadWanted, PairChosen
from tui.widgets.steps_panel import StepsPanel

if TYPE_CHECKING:
    from tui.experiments.contract import Experiment
    from tui.experiments.look.subject import Subject

OTHER = "+"  # the entry that asks for another model; no name of one
REMEMBERED, FOLDER = "look-model", "look-folder"


class LookScreen(BesideList):
    """A list of models beside the one that is looked at; on a narrow terminal one of the two is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,f8", "other_side", "List or model", id="look.side"),
        Binding("comma", "figure(-1)", "Figure", id="look.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="look.figure-after"),
        Binding("o", "whole", "Whole figure", id="look.whole"),
        Binding("w", "save", "Save the figure", id="look.save"),
        Binding("e", "sentence", "The text", id="look.sentence"),
        Binding("r", "again", "Run again", id="look.again"),
        Binding("D", "defaults", "Default knobs", id="look.defaults"),
        Binding("W", "write", "Look or write", id="look.write"),
        Binding("z", "off", "Head off", id="look.head-off"),
        Binding("Z", "layer_off", "Layer off", id="look.layer-off"),
        Binding("less_than_sign", "step(-1)", "Step back", id="look.step-back"),
        Binding("greater_than_sign", "step(1)", "Step on", id="look.step-on"),
    ]

    class Opened(Message):
        """What came of opening a model, on its way from the compute thread."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    def on_mount(self) -> None:
        self._model = ""  # the one that is open, or being opened
        self._writes = False
        self._number = 0  # of the opening that is on its way
        self._opening = False
        self._wanted_figure = ""
        self._refused: Said | None = None  # what was said of the model that could not be opened
        self.query_one(LivePanel).visible = False  # there is nothing in it before the first model
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        kept = self.app.store.setting(REMEMBERED)
        known = [*shipped_names(), *self._folders()]
        self.open(kept if isinstance(kept, str) and kept in known else shipped_names()[0])

    def _folders(self) -> list[str]:
        kept = self.app.store.setting(FOLDER)
        return [kept] if isinstance(kept, str) and kept else []

    def resume(self) -> None:
        if self._opening:  # another screen took the compute thread meanwhile
            self._request()
        else:
            super().resume()

    # --- what is shown -----------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self._shown is not None

    def name_and_title(self) -> tuple[str, str]:
        say, experiment = self.app.say, self.query_one(LivePanel).experiment
        title = self._model
        if self._opening:
            title = say("look.opening", model=self._model)
        elif experiment is not None:
            title = experiment.title.say(self.app.language)
        return say("screens.look"), title

    def entries(self) -> tuple[list[tuple[str, str, str]], str | None]:
        say = self.app.say
        entries = [(name, name, about(name, self.app.language)) for name in shipped_names()]
        entries += [(name, name, say("look.about-folder")) for name in self._folders()]
        entries.append((OTHER, say("look.open-folder"), say("look.open-folder-note")))
        return entries, self._model or None

    def own_hints(self) -> list[KeyHint]:
        say = self.app.say
        own = [
            KeyHint(".", say("screens.key-figure"), "screen.figure(1)", "full_stop"),
            KeyHint("e", say("look.help-sentence"), "screen.sentence"),
        ]
        if self._can("step"):
            own.insert(0, KeyHint(">", say("look.key-step"), "screen.step(1)", "greater_than_sign"))
        if self._can("off"):
            own.append(KeyHint("z", say("look.key-off"), "screen.off"))
        if self._can("write"):
            own.append(KeyHint("W", say("look.key-write"), "screen.write"))
        own.append(KeyHint("o", say("screens.key-whole"), "screen.whole"))
        return own

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        own = {
            "z": "help-off", "Z": "help-layer-off", "W": "help-write", "< >": "help-step", "e": "help-sentence",
            "[ ]": "key-head", "{ }": "key-layer",
        }  # fmt: skip
        names = {
            "Enter": "key-open", "/": "key-filter", "Tab": "key-next-part", ", .": "key-figure", "o": "whole-command",
            "D": "key-defaults", "r": "key-again", "x / F8": "key-list",
            "Esc": "key-come-back", "P / F5": "go-practice", "I / F3": "go-interview", "G / F4": "go-progress",
            "E / F6": "go-lab", "B / F7": "go-browse", "H / F12": "go-by-hand", "L / F2": "switch-language",
            "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        hints = [KeyHint(key, self.app.say(f"look.{name}"), "") for key, name in own.items()]
        return hints + [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]

    def commands(self) -> Iterable[SystemCommand]:
        """This place's commands for the palette."""
        say = self.app.say
        yield SystemCommand(say("look.open-folder"), say("look.open-folder-note"), self._ask_for_folder)

    # --- opening a model ---------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id == OTHER:
            self._ask_for_folder()
        elif event.option_id is not None:
            self.open(event.option_id)

    def _ask_for_folder(self) -> None:
        def answered(typed: str | None) -> None:
            if typed is not None and typed.strip():
                self.open(typed.strip())

        say = self.app.say
        kept = next(iter(self._folders()), "")
        self.app.push_screen(LineDialog(say("look.which-model"), say("look.which-model-hint"), kept), answered)

    def open(self, model: str, *, writes: bool = False) -> None:
        """Open ``model`` in the compute thread; what is shown stays until it is there."""
        self._model, self._writes, self._opening = model, writes, True
        self.query_one(Listing).choose(model)
        self._request()
        self.show_top()
        self.show_keys()

    def _request(self) -> None:
        opening = Opening(self._model, self._writes)
        self._number = self.app.compute.request(opening, {}, lambda outcome: self.post_message(self.Opened(outcome)))

    @on(Opened)
    def opened(self, event: Opened) -> None:
        event.stop()
        outcome = event.outcome
        if outcome.number != self._number or isinstance(outcome, Progressed | Partly):
            return
        self._opening = False
        if isinstance(outcome, Failed):
            self.app.say_error(outcome.error)
            self._refused = self.app.said
            shown = self._shown
            self._model = "" if shown is None else shown.name
            self.query_one(LivePanel).resume()
        else:
            self._take(outcome)
        self.show_top()
        self.show_keys()

    def _take(self, outcome: Finished) -> None:
        if self._refused is not None:
            self.app.fall_silent(self._refused)
            self._refused = None
        experiment: Experiment = outcome.result
        model = self._model
        if model in shipped_names():
            self.app.remember(REMEMBERED, model)
        else:
            self.app.remember(FOLDER, model)
            self.show_again()
        self.query_one(Listing).choose(model)
        self.show_panel(experiment, {})

    @property
    def _shown(self) -> Subject | None:
        """The model that the panel shows."""
        return getattr(self.query_one(LivePanel).experiment, "subject", None)

    @property
    def _is_writing(self) -> bool:
        experiment = self.query_one(LivePanel).experiment
        return experiment is not None and any(knob.name == "step" for knob in experiment.knobs)

    # --- what is only here -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Inside the path of steps its own keys walk."""
        if action == "save":
            return self.can_save
        steps = self.query(StepsPanel)
        return action != "step" or self.focused is None or all(one not in self.focused.ancestors for one in steps)

    def _can(self, action: str) -> bool:
        """Whether the model that is open has what ``action`` (step, off, write) works on."""
        subject = self._shown
        if subject is None:
            return False
        if action == "write":
            return subject.writes
        return self._is_writing if action == "step" else not self._is_writing and bool(subject.parts)

    def _cannot(self, action: str) -> bool:
        """Whether it has not; a key that does nothing says why."""
        subject, can = self._shown, self._can(action)
        if subject is not None and not can:
            if action == "off":
                reason = "whole-while-writing" if self._is_writing else "no-heads"
            else:
                reason = "step-needs-writing" if subject.writes else "writes-not"
            self.app.notify(self.app.say(f"look.{reason}", model=subject.name))
        return not can

    def action_write(self) -> None:
        """Between the views of a model and its generation."""
        if not self._cannot("write"):
            self.open(self._model, writes=not self._is_writing)

    def action_step(self, by: int) -> None:
        panel = self.query_one(LivePanel)
        if not self._is_writing and panel.can_walk:
            panel.walk(by)
            return
        if self._cannot("step"):
            return
        made = panel.figure_named("steps")
        last = len(made.rows) if isinstance(made, Table) else 0
        panel.turn({"step": min(max(int(panel.knobs["step"]) + by, 0), last)})

    def action_off(self) -> None:
        if self._cannot("off"):
            return
        knobs = self.query_one(LivePanel).knobs
        self._toggle(f"{self._layer_name()}.{knobs['head']}")

    def action_layer_off(self) -> None:
        if self._cannot("off"):
            return
        self._toggle(self._layer_name())

    def _layer_name(self) -> str:
        knobs = self.query_one(LivePanel).knobs
        return f"{knobs['part']}.{knobs['layer']}" if "part" in knobs else str(knobs["layer"])

    def _toggle(self, name: str) -> None:
        """Switch ``name`` off, or on again; then what it changes is in front."""
        panel = self.query_one(LivePanel)
        off = str(panel.knobs["off"]).split()
        off = [each for each in off if each != name] if name in off else [*off, name]
        subject = self._shown
        telling = "rewritten" if subject is not None and subject.kind == "encoder-decoder" else "off"
        self._turn({"off": " ".join(off)}, telling if off else "")

    def _turn(self, values: dict[str, Any], figure: str) -> None:
        """Turn knobs, and show the figure of that name once the run has ended."""
        panel = self.query_one(LivePanel)
        self._wanted_figure = figure
        if not panel.turn(values):
            self._to_wanted_figure()

    @on(HeadWanted)
    def head_wanted(self, event: HeadWanted) -> None:
        """Another head; beyond the ends of a layer the head of the layer beside it."""
        event.stop()
        panel, subject = self.query_one(LivePanel), self._shown
        if subject is None or self._is_writing:
            return
        own = subject.of_part(str(panel.knobs.get("part", subject.parts[0])))
        heads = own[0].heads
        last = len(own) * heads - 1
        at = int(panel.knobs["layer"]) * heads + int(panel.knobs["head"]) + event.layers * heads + event.heads
        if 0 <= at <= last:
            self._turn({"layer": at // heads, "head": at % heads}, "")

    @on(HeadChosen)
    def head_chosen(self, event: HeadChosen) -> None:
        event.stop()
        subject = self._shown
        if subject is None or event.row >= len(subject.attentions):
            return
        attention = subject.attentions[event.row]
        if event.column >= attention.heads:
            return
        values: dict[str, Any] = {"layer": attention.layer, "head": event.column}
        self._turn(values | ({"part": attention.part} if len(subject.parts) > 1 else {}), "head")

    @on(PairChosen)
    def pair_chosen(self, event: PairChosen) -> None:
        event.stop()
        self._turn({"token": event.query, "key": event.key}, "neurons")

    def _to_wanted_figure(self) -> None:
        name, self._wanted_figure = self._wanted_figure, ""
        if name:
            self.query_one(LivePanel).show_figure(name)

    @on(LivePanel.Ran)
    def figure_wanted(self) -> None:
        self._to_wanted_figure()
