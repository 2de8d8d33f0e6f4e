"""mlxformer: the Transformer, written once against MLX, with NumPy where there is no GPU.

``import mlxformer as mf``. What each name does, its shapes, errors and source stand in its docstring; which backend
runs, and why, is told by ``mf.backend.describe()`` and by ``python -m mlxformer``.
"""

from typing import TYPE_CHECKING, Any

from mlxformer import backend
from mlxformer.attention.cache import KVCache
from mlxformer.attention.functional import attention_weights, masks, scaled_dot_product_attention
from mlxformer.attention.latent import LatentAttention
from mlxformer.attention.linear import linear_attention
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.errors import ArgumentError, BackendError, CheckpointError, MlxformerError, TraceError
from mlxformer.generation.sampling import SamplingRules, sample
from mlxformer.inspection.cells import open_cell
from mlxformer.inspection.show import show
from mlxformer.layers.causal_stack import CausalStack
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder import Decoder, DecoderLayer
from mlxformer.layers.decoder_cache import DecoderCache
from mlxformer.layers.encoder import Encoder, EncoderLayer
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.layers.gated_feed_forward import GatedFeedForward
from mlxformer.layers.mixture_of_experts import MixtureOfExperts, load_balancing_loss
from mlxformer.models.bert.albert import AlbertConfig, AlbertModel
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
)
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.pooling import mean_pooling
from mlxformer.models.bert.roberta import (
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    RobertaModel,
)
from mlxformer.models.bert.token_heads import BertForQuestionAnswering, BertForTokenClassification
from mlxformer.models.counting import count_parameters
from mlxformer.models.gpt.config import GPTConfig
from mlxformer.models.gpt.model import GPT
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.marian.model import MarianModel
from mlxformer.models.modernbert.config import ModernBertConfig
from mlxformer.models.modernbert.masked_lm import ModernBertForMaskedLM
from mlxformer.models.modernbert.model import ModernBertModel
from mlxformer.models.sentences.cross_encoder import CrossEncoder
from mlxformer.models.sentences.encoder import SentenceEncoder
from mlxformer.models.seq2seq import Seq2Seq, Seq2SeqConfig
from mlxformer.models.t5.config import T5Config
from mlxformer.models.t5.model import T5Model
from mlxformer.models.transformer import Transformer, TransformerConfig
from mlxformer.positions import (
    LearnedPositions,
    RelativeKeys,
    RotaryEmbedding,
    SinusoidalPositions,
    T5RelativeBias,
    alibi_bias,
    sinusoidal_positions,
)
from mlxformer.pretrained import load_pretrained, pretrained_names
from mlxformer.tokenization.any import Tokenizer
from mlxformer.tokenization.bert import BertTokenizer
from mlxformer.tokenization.marian import MarianTokenizer
from mlxformer.tracing import Module, Step, Trace, tap, trace
from mlxformer.training.label_smoothing import label_smoothed_cross_entropy
from mlxformer.training.lora import load_adapters, lora, merge_lora, save_adapters
from mlxformer.training.masked_lm import mask_tokens, masked_language_model_loss
from mlxformer.training.schedules import warmup_inverse_sqrt, warmup_linear_decay

__all__ = [
    "GPT",
    "AlbertConfig",
    "AlbertModel",
    "ArgumentError",
    "BackendError",
    "BertConfig",
    "BertForMaskedLM",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
    "BertForQuestionAnswering",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
    "BertTokenizer",
    "CausalStack",
    "CheckpointError",
    "CrossEncoder",
    "Decoder",
    "DecoderCache",
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "GPTConfig",
    "GatedFeedForward",
    "KVCache",
    "LatentAttention",
    "LayerConfig",
    "LearnedPositions",
    "MarianConfig",
    "MarianModel",
    "MarianTokenizer",
    "MixtureOfExperts",
    "MlxformerError",
    "ModernBertConfig",
    "ModernBertForMaskedLM",
    "ModernBertModel",
    "Module",
    "MultiHeadAttention",
    "RelativeKeys",
    "RobertaConfig",
    "RobertaForMaskedLM",
    "RobertaForSequenceClassification",
    "RobertaModel",
    "RotaryEmbedding",
    "SamplingRules",
    "SentenceEncoder",
    "Seq2Seq",
    "Seq2SeqConfig",
    "SinusoidalPositions",
    "Step",
    "T5Config",
    "T5Model",
    "T5RelativeBias",
    "Tokenizer",
    "Trace",
    "TraceError",
    "Transformer",
    "TransformerConfig",
    "alibi_bias",
    "attention_weights",
    "backend",
    "count_parameters",
    "label_smoothed_cross_entropy",
    "linear_attention",
    "load_adapters",
    "load_balancing_loss",
    "load_pretrained",
    "lora",
    "mask_tokens",
    "masked_language_model_loss",
    "masks",
    "mean_pooling",
    "merge_lora",
    "open_cell",
    "pretrained_names",
    "sample",
    "save_adapters",
    "scaled_dot_product_attention",
    "show",
    "sinusoidal_positions",
    "tap",
    "trace",
    "warmup_inverse_sqrt",
    "warmup_linear_decay",
]


__version__: str


if not TYPE_CHECKING:  # a type checker would take it for any name, and a misspelled one for right

    def __getattr__(name: str) -> Any:
        """``__version__``, read from the installed distribution only when it is asked for: that takes a while."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("tformer-quiz")
        except PackageNotFoundError:
            return "(not installed)"


def __dir__() -> list[str]:
    """The public names and nothing else: what an import brought along is not offered."""
    return __all__
