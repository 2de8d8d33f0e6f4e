"""Every row of the table by name, a file a family; the rows of a file are measured in one process."""

from __future__ import annotations

from benchmarks.row import Row
from benchmarks.rows import (
    attention,
    bert,
    experiments,
    generation,
    mlx_bert,
    mlx_gpt,
    mlx_marian,
    scale,
    start,
    training,
)

FAMILIES: dict[str, tuple[Row, ...]] = {
    "bert": bert.ROWS,
    "attention": attention.ROWS,
    "generation": generation.ROWS,
    "training": training.ROWS,
    "mlx-bert": mlx_bert.ROWS,
    "mlx-gpt": mlx_gpt.ROWS,
    "mlx-marian": mlx_marian.ROWS,
    "start": start.ROWS,
    "experiments": experiments.ROWS,
    "scale": scale.ROWS,
}
ROWS: dict[str, Row] = {row.name: row for rows in FAMILIES.values() for row in rows}
