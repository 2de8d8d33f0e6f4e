"""Makes torch_stacks.npz, the stacks of tests/mlxformer/torch_stacks.py and what torch computes with them.

python -m tests.mlxformer.golden.make_torch_stacks
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.mlxformer.torch_stacks import CASES, inputs, make, run

FILE = Path(__file__).parent / "torch_stacks.npz"


def arrays() -> dict[str, np.ndarray]:
    given = inputs(0)
    found = {f"given/{name}": value for name, value in given.items()}
    for seed, (name, settings) in enumerate(CASES.items()):
        stack = make(*settings, seed=seed)
        found |= {f"{name}/weights/{path}": value.numpy() for path, value in stack.state_dict().items()}
        found[f"{name}/output"] = run(stack, settings[0], given)
    return found


if __name__ == "__main__":
    np.savez_compressed(FILE, **arrays())
