"""mlxformer: the Transformer, written once against MLX, with NumPy where there is no GPU.

``import mlxformer as mf``. What each name does, its shapes, errors and source stand in its docstring; which backend
runs, and why, is told by ``mf.backend.describe()`` and by ``python -m mlxformer``.
"""

from mlxformer import backend, masks
from mlxformer.additive_attention import AdditiveAttention
from mlxformer.albert import AlbertConfig, AlbertModel
from mlxformer.attention import attention_weights, scaled_dot_product_attention
from mlxformer.attention_only import AttentionOnly
from mlxformer.bert import BertModel, mean_pooling
from mlxformer.bert_config import BertConfig
from mlxformer.bert_heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
)
from mlxformer.bert_tokenizer import BertTokenizer
from mlxformer.convolution import Convolution
from mlxformer.counting import count_parameters
from mlxformer.decoder import Decoder, DecoderCache, DecoderLayer
from mlxformer.encoder import Encoder, EncoderLayer
from mlxformer.errors import ArgumentError, BackendError, CheckpointError, MlxformerError, TraceError
from mlxformer.feed_forward import FeedForward
from mlxformer.gated_feed_forward import GatedFeedForward
from mlxformer.kv_cache import KVCache
from mlxformer.label_smoothing import label_smoothed_cross_entropy
from mlxformer.latent_attention import LatentAttention, LatentCache
from mlxformer.linear_attention import LinearAttentionState, linear_attention
from mlxformer.marian import MarianModel
from mlxformer.marian_config import MarianConfig
from mlxformer.marian_tokenizer import MarianTokenizer
from mlxformer.masked_language_modelling import MaskedTokens, mask_tokens, masked_language_model_loss, whole_words
from mlxformer.mixture_of_experts import MixtureOfExperts, importance_loss, load_balancing_loss
from mlxformer.multi_head_attention import MultiHeadAttention
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
from mlxformer.quantisation import Quantised, dequantise, quantise, quantise_weights
from mlxformer.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell
from mlxformer.sampling import SamplingRules, filter_logits, sample, sampling_probabilities
from mlxformer.schedules import warmup_inverse_sqrt, warmup_linear_decay
from mlxformer.score_functions import ScoredAttention
from mlxformer.sentence_vectors import BiEncoder
from mlxformer.seq2seq import Seq2Seq, Seq2SeqConfig
from mlxformer.softmax_one import softmax_one
from mlxformer.target_attention import TargetAttention
from mlxformer.tracing import Module, Step, Trace, is_tracing, tap, trace
from mlxformer.transformer import Transformer, TransformerConfig

__all__ = [
    "AdditiveAttention",
    "AlbertConfig",
    "AlbertModel",
    "ArgumentError",
    "AttentionOnly",
    "BackendError",
    "BertConfig",
    "BertForMaskedLM",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
    "BertForSequenceClassification",
    "BertModel",
    "BertTokenizer",
    "BiEncoder",
    "CheckpointError",
    "Convolution",
    "Decoder",
    "DecoderCache",
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "GRUCell",
    "GatedFeedForward",
    "KVCache",
    "LSTMCell",
    "LatentAttention",
    "LatentCache",
    "LearnedPositions",
    "LinearAttentionState",
    "MarianConfig",
    "MarianModel",
    "MarianTokenizer",
    "MaskedTokens",
    "MixtureOfExperts",
    "MlxformerError",
    "Module",
    "MultiHeadAttention",
    "Quantised",
    "RNNCell",
    "Recurrent",
    "RelativeKeys",
    "RotaryEmbedding",
    "SamplingRules",
    "ScoredAttention",
    "Seq2Seq",
    "Seq2SeqConfig",
    "SinusoidalPositions",
    "Step",
    "T5RelativeBias",
    "TargetAttention",
    "Trace",
    "TraceError",
    "Transformer",
    "TransformerConfig",
    "alibi_bias",
    "attention_weights",
    "backend",
    "count_parameters",
    "dequantise",
    "filter_logits",
    "importance_loss",
    "is_tracing",
    "label_smoothed_cross_entropy",
    "linear_attention",
    "load_balancing_loss",
    "load_pretrained",
    "mask_tokens",
    "masked_language_model_loss",
    "masks",
    "mean_pooling",
    "pretrained_names",
    "quantise",
    "quantise_weights",
    "sample",
    "sampling_probabilities",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
    "softmax_one",
    "tap",
    "trace",
    "warmup_inverse_sqrt",
    "warmup_linear_decay",
    "whole_words",
]
