"""The names of axes, one glossary for the whole package: what ``tap`` records and what errors about shapes say.

``batch``, ``time``, ``model`` (width of the model), ``head``, ``kv_head`` (key/value head), ``query`` and ``key``
(time on either side of attention), ``dim`` (width of one head), ``ffn`` (feed-forward width), ``vocab``, ``label``.
Shapes in docstrings name them by a letter: B batch, H heads, Hkv key/value heads, T time (Tq queries, Tk keys), D width
of a head, C of the model, F of the feed-forward, V vocabulary.
"""

from __future__ import annotations

TOKENS = ("batch", "time")
POSITIONS = ("time", "model")
VECTOR = ("batch", "model")
CLASSES = ("batch", "label")
LABELS = ("batch", "time", "label")
MODEL = ("batch", "time", "model")
FFN = ("batch", "time", "ffn")
VOCAB = ("batch", "time", "vocab")

# Of attention: queries, keys and values split into heads, what relates them, and the heads joined again.
HEADS = ("batch", "head", "query", "dim")
HEADS_IN_TIME = ("batch", "head", "time", "dim")
KEYS = ("batch", "head", "key", "dim")
KV_HEADS = ("batch", "kv_head", "key", "dim")
SCORES = ("batch", "head", "query", "key")
STATE = ("batch", "head", "key_dim", "value_dim")  # what linear attention keeps of the past
ATTENDED = ("batch", "query", "model")
