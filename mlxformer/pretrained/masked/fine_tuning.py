"""``bert-mini`` fine-tuned to tell a line of a Tang poem from one of the Analects, by few examples and few steps.

``python -m mlxformer.pretrained.masked.fine_tuning`` measures every setting of ``GRID`` from five seeds and writes what
ships beside the card. Lines are of documents that no pre-training saw, cut to five characters without marks, so that
neither length nor punctuation tells them apart.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten, tree_unflatten, without_values
from mlxformer.harmless import Parser, say
from mlxformer.models.bert.heads import BertForSequenceClassification
from mlxformer.pretrained.cards import shipped_folder
from mlxformer.pretrained.masked.samples import Kind, samples
from mlxformer.pretrained.masked.vocabulary import SPECIAL
from mlxformer.pretrained.registry import load_pretrained
from mlxformer.training.schedules import warmup_linear_decay

BASE, RESULTS = "bert-mini", "fine_tuning.json"
CHARACTERS, OF_EACH, ASKED, BATCH, EVERY, IDIOMS = 5, 70, 50, 16, 2, 100
SEEDS = range(5)
KINDS: tuple[Kind, Kind] = ("tang", "lunyu")

Start = Literal["pretrained", "random"]


@dataclass(frozen=True)
class Setting:
    """One way to fine-tune.

    Args:
        start: the body's first weights: those of pre-training, or drawn.
        layers: encoder layers that are trained, from the top; the head always is, the embeddings where they are drawn.
        rate: the highest learning rate; it falls to 0 in a straight line after one step of warm-up.
        examples: lines, half of them of each class.
        steps: of Adam (without bias correction), 16 lines each.
        seed: of the head, the drawn body, the choice of lines and the batches.

    >>> from mlxformer.pretrained.masked.fine_tuning import Setting
    >>> Setting(layers=0).rate
    0.0005
    """

    start: Start = "pretrained"
    layers: int = 4
    rate: float = 5e-4
    examples: int = 32
    steps: int = 10
    seed: int = 0


@dataclass(frozen=True)
class Tuned:
    """What one fine-tuning gave.

    Args:
        setting: how.
        steps: at which there are accuracies, from 0.
        right: of 100 lines that were not among the examples, 0 to 1.
        moved: ‖W − W₀‖ / ‖W₀‖ of each encoder layer, from the bottom.
        recall: of 100 idioms, one character masked each, the share that the masked-LM head still completes.

    >>> from mlxformer.pretrained.masked.fine_tuning import read_tuned
    >>> read_tuned()[0].steps
    (0, 2, 4, 6, 8, 10)
    """

    setting: Setting
    steps: tuple[int, ...]
    right: tuple[float, ...]
    moved: tuple[float, ...]
    recall: float


GRID = (
    Setting(),
    Setting(layers=2),
    Setting(layers=0),
    Setting(start="random", rate=1e-4),
    Setting(start="random", rate=1e-4, steps=60),
    Setting(rate=1e-4),
    Setting(rate=2e-3),
    Setting(layers=2, rate=2e-3),
    Setting(layers=0, rate=2e-3),
    Setting(examples=8),
    Setting(examples=8, layers=0),
)


@cache
def lines() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Held-out lines of both classes.

    Returns:
        70 of poems and 70 of the Analects; each once.

    >>> from mlxformer.pretrained.masked.fine_tuning import lines
    >>> [len(each) for each in lines()]
    [70, 70]
    """
    found = []
    for kind in KINDS:
        clauses = [clause for text in samples(kind, held_out=True) for clause in re.split(r"[^\u4e00-\u9fff]", text)]
        cut = [clause[:CHARACTERS] for clause in clauses if len(clause) >= CHARACTERS]
        found.append(tuple(dict.fromkeys(cut))[:OF_EACH])
    return found[0], found[1]


@cache
def _reader() -> Any:
    return load_pretrained(BASE)


def fine_tune(
    setting: Setting,
    progress: Callable[[float], None] | None = None,
    *,
    every: int = EVERY,
    shuffle_labels: bool = False,
    judged: Callable[[list[int], list[float]], object] | None = None,
) -> Tuned:
    """Train a classifier on ``bert-mini`` (or on a body drawn afresh), and ask it other lines.

    Args:
        setting: how.
        progress: told the share that is done; None tells nobody.
        every: steps from one accuracy to the next.
        shuffle_labels: whether the examples' labels are shuffled: nothing but chance is to be learned then.
        judged: told the steps and the accuracies so far, after each step; None tells nobody.

    Returns:
        What came out.

    >>> from mlxformer.pretrained.masked.fine_tuning import Setting, fine_tune
    >>> fine_tune(Setting(layers=0, steps=2)).moved
    (0.0, 0.0, 0.0, 0.0)
    """
    generator = np.random.default_rng(setting.seed)
    half = setting.examples // 2
    order = [OF_EACH * label + generator.permutation(OF_EACH) for label in (0, 1)]
    examples = np.concatenate([each[:half] for each in order])
    others = np.concatenate([each[half : half + ASKED] for each in order])
    labels, wanted = np.repeat([0, 1], half).astype(np.int32), np.repeat([0, 1], ASKED)
    if shuffle_labels:
        labels = generator.permutation(labels)
    model = _started(setting, generator)
    before = _by_layer(model)
    optimizer = optimizers.Adam(warmup_linear_decay(setting.rate, 1, max(setting.steps, 2)))
    begun = _begun(setting)

    def loss(model: Any, x: mx.array, labels: mx.array) -> mx.array:
        return nn.losses.cross_entropy(_logits(model, x, begun), labels, reduction="mean")

    step, inputs = nn.value_and_grad(model, loss), _inputs(begun)[0]
    points, right = [0], [_right(model, inputs[others], wanted, begun)]
    for number in range(1, setting.steps + 1):
        rows = generator.permutation(len(examples))[:BATCH]
        _, gradients = step(model, mx.array(inputs[examples[rows]]), mx.array(labels[rows]))
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        if number % every == 0 or number == setting.steps:
            points.append(number)
            right.append(_right(model, inputs[others], wanted, begun))
        if progress is not None:
            progress(number / setting.steps)
        if judged is not None:
            judged(points, right)
    after = _by_layer(model)
    moved = [float(np.linalg.norm(b - a) / np.linalg.norm(a)) for a, b in zip(before, after, strict=True)]
    return Tuned(setting, tuple(points), tuple(right), tuple(moved), _recall(model, begun))


def _started(setting: Setting, generator: np.random.Generator) -> BertForSequenceClassification:
    """The body that ships, or one drawn as BERT's are; the pooler and the classifier are always new."""
    base = _reader().model
    config = replace(base.config, id2label=dict(enumerate(KINDS)))
    with without_values():  # each gets its own below, the same on every backend
        model = BertForSequenceClassification(config)
    parameters: dict[str, Any] = dict(tree_flatten(model.parameters()))
    trained: dict[str, Any] = dict(tree_flatten(base.bert.parameters()))
    values = {}
    for path, parameter in sorted(parameters.items()):
        inside = path.removeprefix("bert.")
        if setting.start == "pretrained" and inside in trained and not inside.startswith("pooler."):
            values[path] = trained[inside]
        elif len(parameter.shape) == 2:
            drawn = generator.normal(0.0, config.initializer_range, parameter.shape)
            values[path] = mx.array(drawn.astype(np.float32))
        else:
            values[path] = mx.full(parameter.shape, 1.0 if path.endswith("weight") else 0.0)
    model.update(tree_unflatten(list(values.items())))
    if setting.start == "pretrained":
        model.bert.embeddings.freeze()  # a few lines say nothing of most characters
    model.bert.encoder.freeze()
    for layer in model.bert.encoder.layers[len(model.bert.encoder.layers) - setting.layers :]:
        layer.unfreeze()
    model.train()  # bert-mini has no dropout
    return model


def _begun(setting: Setting) -> int | None:
    """How many layers of the shipped body lie below what is trained, and need to run only once; None begins at ids."""
    return None if setting.start == "random" else len(_reader().model.bert.encoder.layers) - setting.layers


@cache
def _inputs(begun: int | None) -> tuple[np.ndarray, np.ndarray]:
    """What the trained part reads, of lines and of idioms: ids [N, T], or states [N, T, C] of the frozen part."""
    found = [to_numpy(_reader().tokenizer(list(lines()[0] + lines()[1])).input_ids), _idioms()[0]]
    if begun is None:
        return found[0], found[1]
    if begun == 0:
        first, second = (_embedded(_reader().model.bert, mx.array(ids)) for ids in found)
        return to_numpy(first), to_numpy(second)
    layer = _reader().model.bert.encoder.layers[begun - 1]
    below = _inputs(begun - 1)
    return to_numpy(layer(mx.array(below[0]))), to_numpy(layer(mx.array(below[1])))


def _embedded(bert: Any, ids: mx.array) -> mx.array:
    embedded: mx.array = bert.embeddings(ids, mx.zeros_like(ids))  # one text each, of one length
    return embedded


def _hidden(model: BertForSequenceClassification, x: mx.array, begun: int | None) -> mx.array:
    if begun is None:
        x, begun = _embedded(model.bert, x), 0
    for layer in model.bert.encoder.layers[begun:]:
        x = layer(x)
    return x


def _logits(model: BertForSequenceClassification, x: mx.array, begun: int | None) -> mx.array:
    return model.classifier(model.bert.pooler(_hidden(model, x, begun)))


def _by_layer(model: BertForSequenceClassification) -> list[np.ndarray]:
    """The weights of each encoder layer, one vector each."""
    found = []
    for layer in model.bert.encoder.layers:
        parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
        found.append(np.concatenate([to_numpy(value).ravel() for _, value in sorted(parameters.items())]))
    return found


def _right(model: Any, x: np.ndarray, wanted: np.ndarray, begun: int | None) -> float:
    return float((to_numpy(_logits(model, mx.array(x), begun)).argmax(-1) == wanted).mean())


@cache
def _idioms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ids [N, T] with a mask in each, the place of it, and the id that stood there."""
    ids = to_numpy(_reader().tokenizer([text for text in samples("idioms") if len(text) == 4][:IDIOMS]).input_ids)
    places = 1 + np.arange(len(ids)) % 4
    rows = np.arange(len(ids))
    wanted = ids[rows, places].copy()
    masked = ids.copy()
    masked[rows, places] = _reader().tokenizer.mask_id
    return masked, places, wanted


def _recall(model: BertForSequenceClassification, begun: int | None) -> float:
    """With the masked-LM head of pre-training on the body as it is now."""
    _, places, wanted = _idioms()
    hidden = to_numpy(_hidden(model, mx.array(_inputs(begun)[1]), begun))
    picked = mx.array(hidden[np.arange(len(places)), places][None])
    logits = to_numpy(_reader().model.mlm_head(picked, model.bert.embeddings.word_embeddings))[0]
    logits[:, : len(SPECIAL)] = -np.inf
    return float((logits.argmax(-1) == wanted).mean())


@cache
def read_tuned() -> tuple[Tuned, ...]:
    """What ships: every setting of ``GRID`` from every seed.

    Returns:
        One for each, setting by setting.

    >>> from mlxformer.pretrained.masked.fine_tuning import GRID, SEEDS, read_tuned
    >>> len(read_tuned()) == len(GRID) * len(SEEDS)
    True
    """
    known = json.loads((shipped_folder(BASE) / RESULTS).read_text(encoding="utf-8"))
    found = []
    for each in known:
        steps, right, moved = (tuple(each[name]) for name in ("steps", "right", "moved"))
        found.append(Tuned(Setting(**each["setting"]), steps, right, moved, each["recall"]))
    return tuple(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command ``python -m mlxformer.pretrained.masked.fine_tuning``: measure every setting, and write it.

    Args:
        arguments: what was typed after it, which is nothing; None reads the command line.

    Returns:
        The exit status.

    >>> from mlxformer.pretrained.masked.fine_tuning import main
    >>> main()  # doctest: +SKIP
    0
    """
    Parser(prog="python -m mlxformer.pretrained.masked.fine_tuning", description=__doc__).parse_args(arguments)
    found = []
    for setting in GRID:
        for seed in SEEDS:
            tuned = fine_tune(replace(setting, seed=seed))
            found.append(asdict(tuned))
            say(f"{tuned.right[-1]:.2f}  recall {tuned.recall:.2f}  {tuned.setting}", sys.stderr)
    path = Path(shipped_folder(BASE)) / RESULTS
    path.write_text("[\n" + ",\n".join(json.dumps(each) for each in found) + "\n]\n", encoding="utf-8")
    say(f"written to {path}", sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
