"""The part of MLX that mlxformer is written in, on NumPy: ``core`` for ``mlx.core``, ``nn``, ``optimizers``, ``trees``.

A closed list (the ``__all__`` of ``core`` and ``nn`` and their submodules) with MLX's names, meaning and dtypes; every
name is compared with MLX in tests/mlxformer/backend/numpy. Gradients run on a tape of its own (``tape``).
"""
