"""Which backend computes, and why."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "runs": Bilingual("{name} {version}，在 {device} 上（{reason}）", "{name} {version} on {device} ({reason})"),
    "asked": Bilingual("按 MLXFORMER_BACKEND 或 --backend 的要求", "as MLXFORMER_BACKEND or --backend asks"),
    "gpu": Bilingual("MLX 在这里有 GPU 可用", "MLX has a GPU here"),
    "no-gpu": Bilingual("MLX 在这里没有可用的 GPU", "MLX has no usable GPU here"),
    "no-mlx": Bilingual("没有安装 MLX", "MLX is not installed"),
}
