"""What every test needs before anything heavy is imported, and a header that says which backend runs."""

import os

# Float32 products must be float32 on a GPU, or no tolerance below means anything.
os.environ.setdefault("MLX_ENABLE_TF32", "0")
# A test that would reach for the network has to fail.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# torch's threads and NumPy's fight over two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_report_header() -> str:
    try:
        from mlxformer import backend
    except ImportError as error:
        return f"mlxformer backend: {error}"
    return f"mlxformer backend: {backend.describe()}"
