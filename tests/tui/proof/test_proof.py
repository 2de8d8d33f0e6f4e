"""What a bank rests on, measured in several processes."""

from __future__ import annotations

import pickle
import threading

import pytest

from tui.proof import proof
from tui.proof.runs import Runs


class TwoArgumentsError(Exception):
    """Pickled it has one, and cannot be made again."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


class LockedError(Exception):
    """It cannot even be pickled."""

    def __init__(self) -> None:
        super().__init__("held")
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ValueError("no number"), "ValueError('no number')"),
        (TwoArgumentsError("a hole", "the mask"), "RuntimeError('TwoArgumentsError: a hole in the mask')"),
        (LockedError(), "RuntimeError('LockedError: held')"),
    ],
)
def test_what_an_experiment_raises_comes_back_from_another_process(
    raised: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*given: object) -> None:
        raise raised

    monkeypatch.setattr(Runs, "run", run)
    (measured,) = pickle.loads(pickle.dumps(proof._run_all([("scaling", {}, ["sqrt-dk"])])))
    assert (measured.name, measured.questions, repr(measured.error)) == ("scaling", ("sqrt-dk",), said)
