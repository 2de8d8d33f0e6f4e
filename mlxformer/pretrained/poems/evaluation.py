"""How well a poet writes: the form and the rhyme of what it draws, and how it foresees poems that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import MlxformerError
from mlxformer.pretrained.poems import corpus
from mlxformer.pretrained.poems.forms import FORMS, form_of, lines_of
from mlxformer.pretrained.poems.reader import TEMPERATURE, Poet, log_probabilities
from mlxformer.pretrained.poems.samples import held_out
from mlxformer.pretrained.poems.trigram import Trigram
from mlxformer.pretrained.poems.vocabulary import PoemTokenizer, ids_of

SEED = 20_261_129
QUATRAINS = ("五绝", "七绝")
DRAWN = 400  # of each
WARMER = (0.8, 1.0)  # temperatures at which the rhyme is reported too
_CHUNK = 25  # poems of a forward pass

Progress = Callable[[float], None]


def draw(reader: Poet, form: str, count: int = DRAWN, seed: int = SEED, temperature: float = TEMPERATURE) -> list[str]:
    """Poems of a form, drawn from all characters.

    Args:
        reader: the poet.
        form: their name.
        count: how many.
        seed: of the draw.
        temperature: of the draw; as it stands, that of the poet as it is used.

    Returns:
        Texts, whatever form they took.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.poems.evaluation import draw
    >>> [len(poem) for poem in draw(mf.load_pretrained("poet"), "五绝", 2)]
    [24, 24]
    """
    prompts = mx.array(np.array([reader.prompt(form=form)] * count, np.int32))
    length = reader.model.config.max_positions
    ids = to_numpy(reader.model.generate(prompts, max_length=length, temperature=temperature, seed=seed))
    return [reader.tokenizer.decode(row) for row in ids]


def share_in_form(poems: Sequence[str], form: str) -> float:
    """The share of poems that have a form.

    Args:
        poems: texts.
        form: its name.

    Returns:
        0 to 1.

    >>> from mlxformer.pretrained.poems.evaluation import share_in_form
    >>> share_in_form(["白日依山尽，黄河入海流。欲穷千里目，更上一层楼。", "春眠不觉晓"], "五绝")
    0.5
    """
    return float(np.mean([form_of(lines_of(poem)) == FORMS[form] for poem in poems]))


def share_rhymed(poems: Sequence[str], using: PoemTokenizer) -> float:
    """The share of quatrains whose second and fourth line end alike, by the finals of today's pinyin.

    Args:
        poems: texts; those that are no quatrains count as not rhymed.
        using: whose finals.

    Returns:
        0 to 1.

    >>> from mlxformer.pretrained.poems.evaluation import share_rhymed
    >>> from mlxformer.pretrained.poems.vocabulary import tokenizer
    >>> share_rhymed(["绮席铺兰杜，珠盘折芰荷。故园留不住，应是恋弦歌。", "春眠不觉晓"], tokenizer())
    0.5
    """
    lines = [lines_of(poem) for poem in poems]
    return float(np.mean([len(each) == 4 and using.rhymes(each[1][-1], each[3][-1]) for each in lines]))


def perplexity(reader: Poet, poems: Sequence[str], progress: Progress | None = None) -> float:
    """exp of the mean −ln p by token, marks and end included.

    Args:
        reader: the poet.
        poems: texts.
        progress: told the share that is done.

    Returns:
        At least 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.poems.evaluation import perplexity
    >>> poet = mf.load_pretrained("poet")
    >>> known = perplexity(poet, ["白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"])
    >>> known < perplexity(poet, ["楼层一上更，目里千穷欲。流海入河黄，尽山依日白。"])
    True
    """
    chunks = [rows[start : start + _CHUNK] for rows in ids_of(poems).values() for start in range(0, len(rows), _CHUNK)]
    found = []
    for done, rows in enumerate(chunks):
        found.append(log_probabilities(reader.model, rows).ravel())
        if progress is not None:
            progress((done + 1) / len(chunks))
    return float(np.exp(-np.concatenate(found).mean(dtype=np.float64)))


def measure(reader: Poet, progress: Progress | None = None) -> tuple[dict[str, float], dict[str, Any]]:
    """The scores and the reports of a card.

    ``form``, ``rhyme``: shares of drawn quatrains; ``rhyme-real``: of held-out ones; ``perplexity``: of held-out poems,
    all four forms. With the training texts at hand also ``perplexity-trigram`` and the runs of characters that drawn
    quatrains share with them; without, these are left out.

    Args:
        reader: the poet.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.poems.evaluation import measure
    >>> scores, reports = measure(mf.load_pretrained("poet"))  # doctest: +SKIP
    """
    drawn = {form: draw(reader, form) for form in QUATRAINS}
    real = [poem for poem in held_out() if len(lines_of(poem)) == 4]
    flat = [poem for poems in drawn.values() for poem in poems]
    scores = {
        "form": float(np.mean([share_in_form(drawn[form], form) for form in QUATRAINS])),
        "rhyme": share_rhymed(flat, reader.tokenizer),
        "rhyme-real": share_rhymed(real, reader.tokenizer),
        "perplexity": perplexity(reader, held_out(), progress),
    }
    reports: dict[str, Any] = {f"drawn at temperature {TEMPERATURE}: {form}": drawn[form][:8] for form in QUATRAINS}
    for temperature in WARMER:
        warm = [poem for form in QUATRAINS for poem in draw(reader, form, temperature=temperature)]
        reports[f"rhyme at temperature {temperature}"] = share_rhymed(warm, reader.tokenizer)
    try:
        training = corpus.split()[0]
    except MlxformerError:
        return scores, reports
    rows = (row for found in corpus.training_ids().values() for row in found)
    trigram = Trigram(rows, reader.tokenizer.vocab_size)
    foreseen = [trigram.log_probabilities(row) for found in ids_of(held_out()).values() for row in found]
    scores["perplexity-trigram"] = float(np.exp(-np.concatenate(foreseen).mean()))
    runs = longest_runs(flat, training)
    reports["longest run of characters shared with the training poems"] = {
        "drawn, median": float(np.median(runs)),
        "drawn, longest": int(np.max(runs)),
        "held-out poems, median": float(np.median(longest_runs(real, training))),
    }
    return scores, reports


def longest_runs(poems: Sequence[str], training: Sequence[str]) -> list[int]:
    """How many characters of each poem, marks left out, stand one after another in some training poem.

    Args:
        poems: texts.
        training: texts.

    Returns:
        A number for each poem.

    >>> from mlxformer.pretrained.poems.evaluation import longest_runs
    >>> longest_runs(["白日依山尽，"], ["红日依山落，"])
    [3]
    """
    longest = max(form.width * form.lines for form in FORMS.values())
    bare = ["".join(lines_of(text)) for text in training]
    found = [0] * len(poems)
    wanted = list(enumerate("".join(lines_of(poem)) for poem in poems))
    for length in range(1, longest + 1):
        known = {text[at : at + length] for text in bare for at in range(len(text) - length + 1)}
        wanted = [
            (number, text)
            for number, text in wanted
            if any(text[at : at + length] in known for at in range(len(text) - length + 1))
        ]
        if not wanted:
            break
        for number, _ in wanted:
            found[number] = length
    return found
