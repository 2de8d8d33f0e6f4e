"""mlxformer: the Transformer, written once against MLX, with NumPy where there is no GPU.

``import mlxformer as mf``. What each name does, its shapes, errors and source stand in its docstring; which backend
runs, and why, is told by ``mf.backend.describe()`` and by ``python -m mlxformer``.
"""

from mlxformer import backend, masks
from mlxformer.attention import attention_weights, scaled_dot_product_attention
from mlxformer.encoder import Encoder, EncoderLayer
from mlxformer.errors import ArgumentError, BackendError, CheckpointError, MlxformerError, TraceError
from mlxformer.feed_forward import FeedForward
from mlxformer.kv_cache import KVCache
from mlxformer.multi_head_attention import MultiHeadAttention
from mlxformer.tracing import Module, Step, Trace, is_tracing, tap, trace

__all__ = [
    "ArgumentError",
    "BackendError",
    "CheckpointError",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "KVCache",
    "MlxformerError",
    "Module",
    "MultiHeadAttention",
    "Step",
    "Trace",
    "TraceError",
    "attention_weights",
    "backend",
    "is_tracing",
    "masks",
    "scaled_dot_product_attention",
    "tap",
    "trace",
]
