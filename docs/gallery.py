"""Run every experiment as it opens, and keep its first figure in both languages: docs/gallery, and its index.

    python docs/gallery.py                     # all; also the moving picture at the top of the README
    python docs/gallery.py scaling rotary      # these alone
    python docs/gallery.py --no-picture

Nothing is staged: an experiment is run with its default knobs and drawn as ``tformer-quiz lab`` draws it. The same
program gives the same files, so that a difference in them is a difference in what is seen; times that a figure shows
are the exception, and the files of such experiments are not overwritten unless they are named.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

# One thread, one backend: sums are then added in one order.
os.environ.setdefault("MLXFORMER_BACKEND", "numpy")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from questions.bilingual import Language  # noqa: E402
from tui.experiments.catalogue import catalogue  # noqa: E402
from tui.experiments.contract import Experiment  # noqa: E402
from tui.figures.data import Figure, Tensor  # noqa: E402
from tui.figures.saving import contents_of  # noqa: E402

FOLDER = Path(__file__).parent / "gallery"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
HEAD = """\
# Gallery · 图集

每个实验打开时的第一张图，中文与英文。Every experiment's first figure as it opens, in Chinese and English.

由真实程序画出：`python docs/gallery.py`。Drawn by the real program: `python docs/gallery.py`.

"""


def telling(figures: Sequence[Figure]) -> Figure:
    """The first that is a picture: what the screen opens with."""
    return next((figure for figure in figures if not isinstance(figure, Tensor)), figures[0])


def draw(experiment: Experiment) -> dict[Language, str]:
    """The figure as SVG, in each language with the sentences of that language."""
    drawn: dict[Language, str] = {}
    for language in LANGUAGES:
        values = experiment.parse({}, language=language)
        result = experiment.run({knob.name: values[knob.name] for knob in experiment.knobs})
        svg = contents_of(telling(result.figures), "svg", language)
        assert isinstance(svg, str)
        drawn[language] = svg
    return drawn


def index(experiments: Iterable[Experiment]) -> str:
    """The page that shows them all."""
    parts = [HEAD]
    for experiment in experiments:
        title, summary = experiment.title, experiment.summary
        parts.append(f"## {title.zh} · {title.en}\n\n")
        parts.append(f"{summary.zh} {summary.en} `tformer-quiz lab {experiment.name}`\n\n")
        parts += [f"![{title.say(language)}]({experiment.name}.{language}.svg)\n" for language in LANGUAGES]
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *catalogue()], metavar="NAME")
    parser.add_argument("--no-picture", action="store_true")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name in options.names or catalogue():
        for language, svg in draw(catalogue()[name]).items():
            (FOLDER / f"{name}.{language}.svg").write_text(svg, encoding="utf-8")
    (FOLDER / "README.md").write_text(index(catalogue().values()), encoding="utf-8")
    if not options.names and not options.no_picture:
        from moving import record

        record(Path(__file__).parent / "moving.svg")


if __name__ == "__main__":
    main()
