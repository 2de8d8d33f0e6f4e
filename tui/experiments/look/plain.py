"""What was looked at or written as plain data: the JSON of ``look``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tui.experiments.look.experiment import Looked
from tui.experiments.look.figures import BEST, TOP, Pair, Shown, best
from tui.experiments.look.measures import MEASURES
from tui.experiments.look.passes import Pass
from tui.experiments.look.subject import Subject
from tui.experiments.look.writing import CANDIDATES, Written, steps_of


def looked_as_data(looked: Looked, backend: str) -> dict[str, Any]:
    """Everything that the views show, in numbers."""
    seen, shown, whole = looked.seen, looked.shown, looked.whole
    own = [] if shown is None else seen.subject.of_part(shown.attention.part)
    found = {
        "model": seen.subject.name,
        "kind": seen.subject.kind,
        "backend": backend,
        **_text(seen),
        "parts": [_part(seen.subject, part) for part in seen.subject.parts],
        "layers": len(own),
        "heads": max((each.heads for each in own), default=0),
        "part": None if shown is None else shown.attention.part,
        "layer": None if shown is None else shown.attention.layer,
        "head": None if shown is None else shown.head,
        "off": list(seen.off),
        "predictions": _predictions(seen, looked.place, whole),
        "lens": _lens(seen, looked.place),
        "views": {
            "model": _model(seen, looked.effects),
            "head": None if shown is None else _head(seen, shown),
            "neurons": None if shown is None or not shown.attention.has_queries else _neurons(seen, shown),
        },
        "compared": None,
    }
    other = looked.other
    if other is not None:
        found["compared"] = {
            **_text(other),
            "predictions": _predictions(other, other.place, None),
            "lens": _lens(other, other.place),
            "views": {"model": _model(other, None), "head": None if shown is None else _head(other, shown)},
        }
    return found


def written_as_data(made: Written, backend: str) -> dict[str, Any]:
    """What was written, and every step of it."""
    rules = made.rules
    return {
        "model": made.subject.name,
        "kind": made.subject.kind,
        "backend": backend,
        "text": made.text,
        "tokens": list(made.prompt),
        "generation": {
            "temperature": None if rules.beams > 1 else rules.temperature,
            "top_k": rules.top_k or None,
            "top_p": rules.top_p,
            "beams": rules.beams,
            "length": rules.length,
            "seed": rules.seed,
            "text": made.said,
            "ids": made.ids.tolist(),
            "tokens": list(made.tokens),
            "score": made.score,
            "steps": [dict(each) | _moment(made, at) for at, each in enumerate(steps_of(made))],
        },
    }


def _moment(made: Written, at: int) -> dict[str, Any]:
    moment, row = made.moments[at], made.row_at(at) or 0
    ids = best(moment.own[row], CANDIDATES)
    words = made.subject.words
    return {
        "top": [
            {
                "token": word,
                "id": token,
                "probability": moment.own[row, token],
                "drawn_from": moment.drawn_from[row, token],
            }
            for token, word in zip(ids, words(ids), strict=True)
        ],
        "beams": [
            {"tokens": list(words(sequence[made.start :])), "log_p": log_p}
            for sequence, log_p in dict(zip(map(tuple, moment.sequences.tolist()), moment.log_p, strict=True)).items()
        ],
    }  # fmt: skip


def _text(seen: Pass) -> dict[str, Any]:
    return {
        "text": seen.text.text,
        "tokens": list(seen.text.tokens),
        "target": list(seen.written) or None,
        "written": seen.rewritten or None,
    }


def _part(subject: Subject, part: str) -> dict[str, Any]:
    own = subject.of_part(part)
    return {"part": part, "layers": len(own), "heads": own[0].heads}


def _top(seen: Pass, chances: np.ndarray, ids: Sequence[int]) -> list[dict[str, Any]]:
    words = seen.subject.words(ids)
    return [{"token": word, "id": token, "probability": chances[token]} for token, word in zip(ids, words, strict=True)]


def _predictions(seen: Pass, place: int, whole: Pass | None) -> dict[str, Any] | None:
    if seen.logits is None:
        return None
    chances = seen.probabilities(place)
    found: dict[str, Any] = {
        "place": place,
        "token": seen.rows[place],
        "top": _top(seen, chances, best(chances, TOP)),
        "before": None,
        "written_before": None,
    }
    if whole is not None:
        before = whole.probabilities(place)
        found["before"] = _top(whole, before, best(before, TOP))
        found["written_before"] = whole.rewritten or None
    return found


def _lens(seen: Pass, place: int) -> list[dict[str, Any]] | None:
    layers = seen.lens(place)
    if layers is None:
        return None
    final = best(layers[-1], 1)[0]
    return [
        {
            "layer": at - 1 if at else "embeddings",
            "top": _top(seen, chances, best(chances, BEST)),
            "probability": chances[final],
            "rank": int((chances > chances[final]).sum()) + 1,
        }
        for at, chances in enumerate(layers)
    ]


def _model(seen: Pass, effects: np.ndarray | None) -> list[dict[str, Any]]:
    found = []
    for row, attention in enumerate(seen.subject.attentions):
        measured = {name: measure(seen.maps[attention.name]["weights"]) for name, measure in MEASURES.items()}
        for head in range(attention.heads):
            values: dict[str, Any] = {name: value[head] for name, value in measured.items()}
            if attention.part == "cross":
                values["distance"] = None
            values["effect"] = None if effects is None else effects[row, head]
            found.append({"layer": attention.name, "head": head, **values})
    return found


def _head(seen: Pass, shown: Shown) -> dict[str, Any]:
    rows, columns = seen.labels(shown.attention)
    weights = seen.maps[shown.attention.name]["weights"][shown.head]
    return {
        "layer": shown.attention.name,
        "head": shown.head,
        "queries": list(rows),
        "keys": list(columns),
        "weights": weights,
    }


def _neurons(seen: Pass, shown: Shown) -> dict[str, Any]:
    rows, columns = seen.labels(shown.attention)
    pair = Pair.of(seen, shown)
    products = pair.products[shown.key]
    return {
        "query": {"place": shown.place, "token": rows[shown.place]},
        "key": {"place": shown.key, "token": columns[shown.key]},
        "q": pair.query,
        "k": pair.key,
        "products": products,
        "score": products.sum(),
        "scaled": pair.scaled,
        "weight": pair.weight,
    }
