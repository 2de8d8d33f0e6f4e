"""A first look: ``python -m mlxformer`` says what runs and takes one multi-head attention apart.

python -m mlxformer                       over 我爱吃苹果。
python -m mlxformer "the cat sat" --causal --seed 3
python -m mlxformer --model FOLDER "the cat sat"        what a folder holds, and one pass through it
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from importlib.metadata import PackageNotFoundError, version
from unicodedata import east_asian_width

import numpy as np

from mlxformer import backend
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import MlxformerError
from mlxformer.folder_look import folder_look
from mlxformer.harmless import Parser, say
from mlxformer.positions import sinusoidal_positions
from mlxformer.tracing import Trace, trace

SENTENCE = "我爱吃苹果。"
DIMS, HEADS = 16, 2
WIDTH = 80  # columns of the terminal
SHOWN = 10  # tokens that fit beside each other in the table of weights


def main(arguments: list[str] | None = None) -> int:
    """The command ``python -m mlxformer [TEXT]``: print the first look.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit status: 0, or 2 where a folder cannot be read.

    >>> from mlxformer.__main__ import main
    >>> main(["我爱你", "--causal"])  # doctest: +ELLIPSIS
    mlxformer ...
    0
    """
    parser = Parser(prog="python -m mlxformer", description="One multi-head attention, step by step.")
    parser.add_argument("text", nargs="?", default=SENTENCE, help=f"what to attend over (default: {SENTENCE})")
    parser.add_argument("--causal", action="store_true", help="let no token see a later one")
    parser.add_argument("--model", metavar="FOLDER", help="say what this folder holds, and pass the text through it")
    parser.add_argument("--seed", type=int, default=0, help="of the random weights (default: 0)")
    given = parser.parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Chinese shows ?, and the rest
    if given.model is not None:
        try:
            say(folder_look(given.model, given.text))
        except MlxformerError as error:
            say(f"mlxformer: {error}", sys.stderr)
            return 2
        return 0
    tokens = tokenize(given.text)
    if not tokens:
        parser.error("text has no token: give at least one word or Chinese character")
    if given.seed < 0:
        parser.error("--seed must be 0 or more")
    try:
        say(first_look(tokens, causal=given.causal, seed=given.seed))
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def tokenize(text: str) -> list[str]:
    """Every Chinese character and every punctuation mark alone, other words whole; no trained vocabulary is needed.

    Args:
        text: any string.

    Returns:
        Its tokens.

    >>> from mlxformer.__main__ import tokenize
    >>> tokenize("我爱 BERT。")
    ['我', '爱', 'BERT', '。']
    """
    return re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]", text)


def first_look(tokens: list[str], *, causal: bool = False, seed: int = 0) -> str:
    """What ``python -m mlxformer`` prints, no line wider than 80 columns.

    Args:
        tokens: at least one.
        causal: whether a token sees none that comes later.
        seed: of the random weights.

    Returns:
        Lines.

    >>> from mlxformer.__main__ import first_look
    >>> first_look(["我", "你"]).count("mf.trace()")
    1
    """
    generator = np.random.default_rng(seed)
    vectors = {token: generator.standard_normal(DIMS) for token in dict.fromkeys(tokens)}
    x = mx.array(np.stack([vectors[token] for token in tokens])[None].astype(np.float32))  # [1, T, C]
    x = x + sinusoidal_positions(len(tokens), DIMS)
    layer = seeded_attention(generator)
    with trace() as steps:
        layer(x, x, x, "causal" if causal else None)
    lines = [
        *_wrapped(f"mlxformer {_version()}: {backend.describe()}"),
        "",
        f"Multi-head attention, C = {DIMS}, H = {HEADS}, D = {DIMS // HEADS}{', causal' if causal else ''}, over:",
        *_wrapped(" ".join(tokens), "  "),
        "",
        *_wrapped(
            f"The weights are random (seed {seed}) and not trained: shapes and arithmetic are the real ones, but who "
            "attends to whom below means nothing."
        ),
        "",
        _summary("input", to_numpy(x)),
        "    an embedding of each token + sinusoidal positions  (batch, time, model)",
    ]
    for step in steps:
        lines += [_summary(step.path, step.value), *_wrapped(f"{step.formula}  ({', '.join(step.axes)})", "    ")]
        masked = step.value.size - _not_filled(step.value).size
        if masked:
            lines.append(f"    {masked} of {step.value.size} masked, and not counted above")
    lines += ["", *_weights_table(tokens, steps), "", *_checks(steps)]
    lines += ["", "In code:  with mf.trace() as steps: layer(x, x, x)", '          steps["weights"].value']
    return "\n".join(lines)


def seeded_attention(generator: np.random.Generator) -> MultiHeadAttention:
    """An attention without biases, its weights N(0, 1/C): the same numbers on both backends.

    Args:
        generator: what draws.

    Returns:
        A layer in evaluation mode.

    >>> import numpy as np
    >>> from mlxformer.__main__ import seeded_attention
    >>> round(float(seeded_attention(np.random.default_rng(0)).key_proj.weight[0, 0]), 4)
    0.0314
    """
    layer = MultiHeadAttention(DIMS, HEADS, bias=False)
    drawn = [
        (path, mx.array((generator.standard_normal(weight.shape) * weight.shape[1] ** -0.5).astype(np.float32)))
        for path, weight in sorted(dict(tree_flatten(layer.parameters())).items())
    ]
    layer.load_weights(drawn)
    layer.eval()
    return layer


def _summary(name: str, value: np.ndarray) -> str:
    """Name, shape, mean ± standard deviation, least and greatest."""
    shape = "[" + ", ".join(map(str, value.shape)) + "]"
    shown = _not_filled(value).astype(np.float64)
    spread = f"{shown.mean():8.4f} ± {shown.std():<8.4f}"
    return f"  {name:<13}{shape:<15}{spread}min{shown.min():8.3f}  max{shown.max():8.3f}"


def _not_filled(value: np.ndarray) -> np.ndarray:
    """The numbers that a mask did not fill: it fills with the least float there is, which would be all of the mean."""
    return value[value > np.finfo(value.dtype).min]


def _weights_table(tokens: list[str], steps: Trace) -> list[str]:
    """The weights of head 0, queries down and keys across."""
    weights = steps["weights"].value[0, 0]
    names = [_cell(token) for token in tokens[:SHOWN]]
    lines = ["Weights of head 0: the query on the left attends to the key above", " " * 8 + "".join(names)]
    for name, row in zip(names, weights[:SHOWN, :SHOWN], strict=True):
        lines.append(name + " " + "".join(f"{weight:7.3f}" for weight in row))
    if len(tokens) > SHOWN:
        lines.append(f"(the first {SHOWN} of {len(tokens)} tokens)")
    return lines


def _checks(steps: Trace) -> list[str]:
    """What can be seen to hold in the recorded numbers."""
    sums = steps["weights"].value.astype(np.float64).sum(axis=-1)
    mixed = steps["weights"].value @ steps["values"].value
    error = float(np.abs(mixed - steps["heads"].value).max())
    return [
        f"Every row of weights sums to 1: largest deviation {np.abs(sums - 1).max():.1e}.",
        f"weights × values is heads: largest difference {error:.1e}.",
    ]


def _cell(text: str, width: int = 7) -> str:
    """``text`` right-aligned in ``width`` cells of a terminal, where a Chinese character takes two; cut where long."""
    kept, used = "", 0
    for character in text:
        cells = 2 if east_asian_width(character) in "WF" else 1
        if used + cells > width - 1:
            break
        kept, used = kept + character, used + cells
    return " " * (width - used) + kept


def _wrapped(text: str, indent: str = "") -> list[str]:
    # textwrap counts characters; a line of Chinese is twice as wide as it counts.
    wide = any(east_asian_width(character) in "WF" for character in text)
    return textwrap.wrap(text, WIDTH // 2 if wide else WIDTH, initial_indent=indent, subsequent_indent=indent)


def _version() -> str:
    try:
        return version("tformer-quiz")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
