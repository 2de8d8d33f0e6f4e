"""Right solutions as different people write them: loops, einsum, in place on their own arrays, other orders of sums."""

from __future__ import annotations

_SHARED = """
import numpy as np

def attend(q, k, v, mask=None):
    s = np.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(q.shape[-1]).astype(q.dtype)
    if mask is None:
        mask = np.ones(s.shape, bool)
    mask = np.broadcast_to(mask, s.shape)
    top = np.where(mask, s, -np.inf).max(-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(s.dtype)
    e = np.exp(np.where(mask, s, top) - top) * mask
    total = e.sum(-1, keepdims=True)
    return (np.einsum("bhqk,bhkd->bhqd", e, v) / np.where(total == 0, 1, total)).astype(q.dtype)
"""

STYLES: dict[str, list[str]] = {
    "softmax": [
        # in place on its own array
        """
import numpy as np
def softmax(x, axis=-1):
    y = x - np.max(x, axis=axis, keepdims=True)
    np.exp(y, out=y)
    y /= np.sum(y, axis=axis, keepdims=True)
    return y
""",
        # by log-sum-exp, other parameter names
        """
import numpy as np
def softmax(z, axis=-1):
    m = z.max(axis, keepdims=True)
    return np.exp(z - m - np.log(np.sum(np.exp(z - m), axis, keepdims=True)))
""",
        # log-sum-exp of each row, subtracted at once
        """
import numpy as np
def softmax(x, axis=-1):
    m = x.max(axis=axis, keepdims=True)
    lse = m + np.log(np.exp(x - m).sum(axis=axis, keepdims=True))
    return np.exp(x - lse)
""",
        # rows in a loop
        """
import numpy as np, math
def softmax(x, axis=-1):
    moved = np.moveaxis(x, axis, -1)
    out = np.empty_like(moved)
    for index in np.ndindex(moved.shape[:-1]):
        row = moved[index]
        powers = [math.exp(float(v) - float(row.max())) for v in row]
        out[index] = [p / math.fsum(powers) for p in powers]
    return np.moveaxis(out, -1, axis)
""",
        # in float64, cast back
        """
import numpy as np
def softmax(x, axis=-1):
    y = np.asarray(x, dtype=np.float64)
    e = np.exp(y - np.expand_dims(y.max(axis), axis))
    return (e / np.expand_dims(e.sum(axis), axis)).astype(x.dtype)
""",
    ],
    "cross-entropy": [
        """
import numpy as np
def cross_entropy(logits, targets):
    n, v = logits.shape
    m = logits.max(1)
    lse = m + np.log(np.exp(logits - m[:, None]).sum(1))
    loss = np.mean(lse - logits[np.arange(n), targets])
    one_hot = np.eye(v, dtype=logits.dtype)[targets]
    return loss, (np.exp(logits - lse[:, None]) - one_hot) / n
""",
        """
import numpy as np
def cross_entropy(logits, targets):
    n = len(targets)
    grad = np.zeros_like(logits)
    total = 0.0
    for i in range(n):
        row = logits[i].astype(np.float64)
        e = np.exp(row - row.max())
        p = e / e.sum()
        total -= row[targets[i]] - row.max() - np.log(e.sum())
        p[targets[i]] -= 1
        grad[i] = p / n
    return float(total / n), grad
""",
        """
import numpy as np
def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))
def cross_entropy(logits, targets):
    lp = log_softmax(logits)
    g = np.exp(lp)
    np.subtract.at(g, (np.arange(len(g)), targets), 1)
    return np.float32(-np.take_along_axis(lp, targets[:, None], 1).mean()), g / logits.dtype.type(len(g))
""",
    ],
    "attention": [
        _SHARED + "attention = attend\n",
        # minus infinity, then NaN put to 0
        """
import numpy as np
def attention(q, k, v, mask=None):
    s = (q * q.shape[-1] ** -0.5) @ np.moveaxis(k, -1, -2)
    if mask is not None:
        s = np.where(mask, s, -np.inf)
        top = s.max(-1, keepdims=True)
        top[~np.isfinite(top)] = 0
    else:
        top = s.max(-1, keepdims=True)
    e = np.exp(s - top)
    with np.errstate(all="ignore"):
        w = np.nan_to_num(e / e.sum(-1, keepdims=True))
    return (w @ v).astype(q.dtype)
""",
        # loops over all but the last axes
        """
import numpy as np
def attention(q, k, v, mask=None):
    B, H, T, D = q.shape
    out = np.zeros_like(v)
    if mask is not None:
        mask = np.broadcast_to(mask, (B, H, T, T))
    for b in range(B):
        for h in range(H):
            for i in range(T):
                seen = np.arange(T) if mask is None else np.flatnonzero(mask[b, h, i])
                if not len(seen):
                    continue
                s = np.array([q[b, h, i].astype(float) @ k[b, h, j].astype(float) for j in seen]) / D ** 0.5
                w = np.exp(s - s.max())
                out[b, h, i] = (w / w.sum()) @ v[b, h, seen]
    return out
""",
        # a large finite number, zeroed by whether a row sees anything
        """
import numpy as np
def attention(q, k, v, mask=None):
    dtype = q.dtype
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    s = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    if mask is not None:
        s = np.where(mask, s, -1e30)
    s -= s.max(-1, keepdims=True)
    w = np.exp(s)
    w /= w.sum(-1, keepdims=True)
    out = w @ v
    if mask is not None:
        out *= np.broadcast_to(mask, s.shape).any(-1, keepdims=True)
    return out.astype(dtype)
""",
    ],
    "multi-head-attention": [
        # a head at a time
        """
import numpy as np
def multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, causal=False):
    B, T, C = x.shape
    D = C // num_heads
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    heads = []
    for h in range(num_heads):
        part = slice(h * D, (h + 1) * D)
        s = q[..., part] @ np.swapaxes(k[..., part], 1, 2) / D ** 0.5
        if causal:
            s[:, np.triu(np.ones((T, T), bool), 1)] = -np.inf
        e = np.exp(s - s.max(-1, keepdims=True))
        heads.append(e / e.sum(-1, keepdims=True) @ v[..., part])
    return np.concatenate(heads, -1) @ w_o
""",
        # einsum, W_O applied per head and summed
        """
import numpy as np
def multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, causal=False):
    T, C = x.shape[1:]
    D = C // num_heads
    q, k, v = (np.einsum("btc,chd->bhtd", x, w.reshape(C, num_heads, D)) for w in (w_q, w_k, w_v))
    s = np.einsum("bhqd,bhkd->bhqk", q, k) * (1.0 / D ** 0.5)
    if causal:
        s = np.where(np.arange(T)[:, None] >= np.arange(T), s, np.finfo(s.dtype).min)
    w = np.exp(s - s.max(-1, keepdims=True))
    w = w / w.sum(-1, keepdims=True)
    return np.einsum("bhqk,bhkd,hdc->bqc", w, v, w_o.reshape(num_heads, D, C), optimize=True).astype(x.dtype)
""",
        # one projection for all three, queries scaled first
        """
import numpy as np
def multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, causal=False):
    B, T, C = x.shape
    qkv = x @ np.concatenate([w_q, w_k, w_v], axis=1)
    qkv = qkv.reshape(B, T, 3, num_heads, C // num_heads).transpose(2, 0, 3, 1, 4)
    q, k, v = qkv[0] * (C // num_heads) ** -0.5, qkv[1], qkv[2]
    s = q @ k.transpose(0, 1, 3, 2)
    if causal:
        for i in range(T):
            s[:, :, i, i + 1:] = -np.inf
    s = np.exp(s - s.max(-1, keepdims=True))
    y = (s @ v) / s.sum(-1, keepdims=True)
    return y.swapaxes(1, 2).reshape(B, T, C) @ w_o
""",
        # query by query, the causal part by slicing
        """
import numpy as np
def multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, causal=False):
    B, T, C = x.shape
    split = lambda z: z.reshape(B, T, num_heads, -1).swapaxes(1, 2)
    q, k, v = map(split, (x @ w_q, x @ w_k, x @ w_v))
    out = np.empty_like(q)
    for t in range(T):
        n = t + 1 if causal else T
        s = (k[:, :, :n] @ q[:, :, t, :, None])[..., 0] / q.shape[-1] ** 0.5
        e = np.exp(s - s.max(-1, keepdims=True))
        out[:, :, t] = np.einsum("bhk,bhkd->bhd", e / e.sum(-1, keepdims=True), v[:, :, :n])
    return out.transpose(0, 2, 1, 3).reshape(B, T, C) @ w_o
""",
    ],
    "kv-cache": [
        # a list that grows in place
        """
import numpy as np
def decode_step(x, w_q, w_k, w_v, w_o, num_heads, cache):
    B, _, C = x.shape
    D = C // num_heads
    cache = cache if cache is not None else {"k": [], "v": []}
    cache["k"].append((x @ w_k)[:, 0]); cache["v"].append((x @ w_v)[:, 0])
    k, v = (np.stack(cache[n], 1).reshape(B, -1, num_heads, D) for n in "kv")
    q = (x @ w_q).reshape(B, num_heads, D)
    s = np.einsum("bhd,bthd->bht", q, k) / D ** 0.5
    e = np.exp(s - s.max(-1, keepdims=True))
    y = np.einsum("bht,bthd->bhd", e / e.sum(-1, keepdims=True), v)
    return (y.reshape(B, 1, C) @ w_o).astype(x.dtype), cache
""",
        # an object of its own
        """
import numpy as np
class Cache:
    def __init__(self): self.rows = None
    def add(self, row):
        self.rows = row if self.rows is None else np.concatenate((self.rows, row), 1)
        return self.rows
def decode_step(x, w_q, w_k, w_v, w_o, num_heads, cache):
    if cache is None:
        cache = Cache()
    rows = cache.add(x)
    B, T, C = rows.shape
    heads = lambda z: z.reshape(B, -1, num_heads, C // num_heads).transpose(0, 2, 1, 3)
    q, k, v = heads(x @ w_q), heads(rows @ w_k), heads(rows @ w_v)
    s = q @ k.swapaxes(2, 3) * (C // num_heads) ** -0.5
    s = np.exp(s - s.max(3, keepdims=True)); s /= s.sum(3, keepdims=True)
    return (s @ v).transpose(0, 2, 1, 3).reshape(B, 1, C) @ w_o, cache
""",
        # room allotted ahead
        """
import numpy as np
def decode_step(x, w_q, w_k, w_v, w_o, num_heads, cache):
    B, _, C = x.shape
    D = C // num_heads
    if cache is None:
        cache = (np.zeros((2, B, num_heads, 64, D), x.dtype), 0)
    room, n = cache
    room[0, :, :, n] = (x @ w_k).reshape(B, num_heads, D)
    room[1, :, :, n] = (x @ w_v).reshape(B, num_heads, D)
    n += 1
    k, v = room[:, :, :, :n]
    s = ((x @ w_q).reshape(B, num_heads, 1, D) @ k.swapaxes(-1, -2))[:, :, 0] / D ** 0.5
    s = s - s.max(-1, keepdims=True)
    w = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    return (w[:, :, None] @ v)[:, :, 0].reshape(B, 1, C) @ w_o, (room, n)
""",
    ],
    "grouped-queries": [
        _SHARED
        + """
def grouped_query_attention(q, k, v, mask=None):
    chosen = [h * k.shape[1] // q.shape[1] for h in range(q.shape[1])]
    return attend(q, k[:, chosen], v[:, chosen], mask)
""",
        # broadcast over the group
        """
import numpy as np
def grouped_query_attention(q, k, v, mask=None):
    B, H, T, D = q.shape
    n = k.shape[1]
    g = q.reshape(B, n, H // n, T, D)
    s = g @ k[:, :, None].swapaxes(-1, -2) * D ** -0.5
    least = np.finfo(s.dtype).min
    if mask is not None:
        mask = np.broadcast_to(mask, (B, H, T, T)).reshape(s.shape)
        s = np.where(mask, s, least)
    e = np.exp(s - s.max(-1, keepdims=True))
    if mask is not None:
        e = e * mask
    total = e.sum(-1, keepdims=True)
    return (e / np.maximum(total, np.finfo(e.dtype).tiny) @ v[:, :, None]).reshape(B, H, T, D)
""",
        _SHARED
        + """
def grouped_query_attention(q, k, v, mask=None):
    H, n = q.shape[1], k.shape[1]
    mask = None if mask is None else np.broadcast_to(mask, q.shape[:3] + (k.shape[2],))
    parts = []
    for h in range(H):
        own = h // (H // n)
        m = None if mask is None else mask[:, h:h + 1]
        parts.append(attend(q[:, h:h + 1], k[:, own:own + 1], v[:, own:own + 1], m))
    return np.concatenate(parts, axis=1)
""",
    ],
    "rope": [
        # complex numbers
        """
import numpy as np
def rope(x, offset=0, base=10000.0):
    D = x.shape[-1]
    z = x[..., 0::2].astype(np.complex128) + 1j * x[..., 1::2]
    m = np.arange(x.shape[-2]) + offset
    z = z * np.exp(1j * np.outer(m, base ** (-np.arange(D // 2) * 2.0 / D)))
    return np.stack([z.real, z.imag], -1).reshape(x.shape).astype(x.dtype)
""",
        # position by position, pair by pair
        """
import numpy as np, math
def rope(x, offset=0, base=10000.0):
    y = np.empty_like(x)
    T, D = x.shape[-2:]
    for t in range(T):
        for i in range(D // 2):
            a = (t + offset) / base ** (2 * i / D)
            c, s = math.cos(a), math.sin(a)
            y[..., t, 2 * i] = x[..., t, 2 * i] * c - x[..., t, 2 * i + 1] * s
            y[..., t, 2 * i + 1] = x[..., t, 2 * i] * s + x[..., t, 2 * i + 1] * c
    return y
""",
        # repeated angles and a rotated copy, all in float32
        """
import numpy as np
def rope(x, offset=0, base=10000.0):
    T, D = x.shape[-2:]
    inv = (1.0 / (base ** (np.arange(0, D, 2, dtype=np.float32) / D))).astype(np.float32)
    ang = np.repeat(np.arange(offset, offset + T, dtype=np.float32)[:, None] * inv, 2, axis=1)
    turned = np.empty_like(x)
    turned[..., ::2], turned[..., 1::2] = -x[..., 1::2], x[..., ::2]
    return (x * np.cos(ang) + turned * np.sin(ang)).astype(x.dtype)
""",
        # in the input's own dtype throughout
        """
import numpy as np
def rope(x, offset=0, base=10000.0):
    T, D = x.shape[-2:]
    f = np.array([base ** (-2.0 * i / D) for i in range(D // 2)], dtype=x.dtype)
    a = np.arange(offset, offset + T).astype(x.dtype)[:, None] * f
    out = x.copy()
    even, odd = x[..., ::2].copy(), x[..., 1::2].copy()
    out[..., ::2] = even * np.cos(a) - odd * np.sin(a)
    out[..., 1::2] = even * np.sin(a) + odd * np.cos(a)
    return out
""",
    ],
    "layer-norm": [
        """
import numpy as np
def layer_norm(x, weight, bias, eps=1e-5):
    return (x - np.mean(x, -1, keepdims=True)) / np.sqrt(np.var(x, -1, keepdims=True) + eps) * weight + bias
""",
        """
import numpy as np
def layer_norm(x, weight, bias, eps=1e-5):
    y = x.reshape(-1, x.shape[-1]).astype(np.float64)
    out = np.empty_like(y)
    for i, row in enumerate(y):
        d = row - row.sum() / len(row)
        out[i] = d / (np.dot(d, d) / len(row) + eps) ** 0.5 * weight + bias
    return out.reshape(x.shape).astype(x.dtype)
""",
        """
import numpy as np
def layer_norm(x, weight, bias, eps=1e-5):
    y = x - x.mean(-1)[..., None]
    y *= (1 / np.sqrt(np.einsum("...c,...c->...", y, y) / y.shape[-1] + eps))[..., None]
    y *= weight
    y += bias
    return y
""",
    ],
    "layer-norm-backward": [
        # the formula with C dx
        """
import numpy as np
def layer_norm_backward(dy, x, weight, eps=1e-5):
    C = x.shape[-1]
    mu = x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    n = (x - mu) * rstd
    g = dy * weight
    dx = rstd / C * (C * g - g.sum(-1, keepdims=True) - n * (g * n).sum(-1, keepdims=True))
    flat = (dy * n).reshape(-1, C)
    return dx, flat.sum(0), dy.reshape(-1, C).sum(0)
""",
        # the chain rule step by step
        """
import numpy as np
def layer_norm_backward(dy, x, weight, eps=1e-5):
    C = x.shape[-1]
    d = x - x.mean(-1, keepdims=True)
    var = (d * d).mean(-1, keepdims=True)
    inv = (var + eps) ** -0.5
    dn = dy * weight
    dinv = (dn * d).sum(-1, keepdims=True)
    dvar = dinv * -0.5 * (var + eps) ** -1.5
    dd = dn * inv + dvar * 2 * d / C
    dx = dd - dd.mean(-1, keepdims=True)
    axes = tuple(range(x.ndim - 1))
    return dx, np.sum(dy * d * inv, axis=axes), np.sum(dy, axis=axes)
""",
        # the Jacobian of each row
        """
import numpy as np
def layer_norm_backward(dy, x, weight, eps=1e-5):
    C = x.shape[-1]
    X, G = x.reshape(-1, C).astype(float), dy.reshape(-1, C).astype(float)
    dx, dw = np.empty_like(X), np.zeros(C)
    for i in range(len(X)):
        d = X[i] - X[i].mean()
        s = np.sqrt((d ** 2).mean() + eps)
        n = d / s
        J = (np.eye(C) - 1 / C - np.outer(n, n) / C) / s
        dx[i] = J.T @ (G[i] * weight)
        dw += G[i] * n
    return dx.reshape(x.shape).astype(x.dtype), dw.astype(x.dtype), G.sum(0).astype(x.dtype)
""",
    ],
    "rms-norm": [
        """
import numpy as np
def rms_norm(x, weight, eps=1e-5):
    return weight * (x * (np.mean(np.square(x), axis=-1, keepdims=True) + eps) ** -0.5)
""",
        """
import numpy as np
def rms_norm(x, weight, eps=1e-5):
    y = x.astype(np.float32)
    scale = np.sqrt(np.linalg.norm(y, axis=-1, keepdims=True) ** 2 / x.shape[-1] + eps)
    return (y / scale).astype(x.dtype) * weight
""",
        """
import math
import numpy as np
def rms_norm(x, weight, eps=1e-5):
    out = np.zeros(x.shape, x.dtype)
    for index in np.ndindex(*x.shape[:-1]):
        row = [float(v) for v in x[index]]
        r = math.sqrt(sum(v * v for v in row) / len(row) + eps)
        for c, v in enumerate(row):
            out[index + (c,)] = v / r * float(weight[c])
    return out
""",
    ],
    "top-p": [
        # rows in a loop
        """
import numpy as np
def top_p(logits, p):
    rows = np.atleast_2d(logits).astype(np.float64)
    out = np.zeros_like(rows)
    for row, kept in zip(rows, out):
        q = np.exp(row - row.max()); q /= q.sum()
        mass = 0.0
        for token in sorted(range(len(q)), key=lambda i: -q[i]):
            kept[token] = q[token]
            mass += q[token]
            if mass >= p:
                break
        kept /= kept.sum()
    return out.reshape(logits.shape).astype(logits.dtype)
""",
        # searchsorted and a softmax of what is left
        """
import numpy as np
def top_p(logits, p):
    flat = logits.reshape(-1, logits.shape[-1])
    kept = np.full(flat.shape, -np.inf, logits.dtype)
    for i, row in enumerate(flat):
        order = np.argsort(row)[::-1]
        q = np.exp(row[order] - row[order[0]])
        c = np.cumsum(q / q.sum())
        n = min(int(np.searchsorted(c, p)) + 1, len(row))
        kept[i, order[:n]] = row[order[:n]]
    e = np.exp(kept - kept.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).reshape(logits.shape)
""",
        # a threshold from the sorted probabilities
        """
import numpy as np
def top_p(logits, p):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    q = e / e.sum(-1, keepdims=True)
    ranked = -np.sort(-q, axis=-1)
    n = ((np.cumsum(ranked, -1) - ranked) < p).sum(-1, keepdims=True)
    q = np.where(q >= np.take_along_axis(ranked, n - 1, -1), q, 0)
    return q / q.sum(-1, keepdims=True)
""",
    ],
    "bpe": [
        # encoding by the lowest rank, training with strings
        """
def train(words, merges):
    vocab = {tuple(w): c for w, c in words.items()}
    age = {c: i for i, c in enumerate(sorted(set("".join(words))))}
    out = []
    while len(out) < merges:
        pairs = {}
        for pieces, c in vocab.items():
            for a, b in zip(pieces, pieces[1:]):
                pairs[a, b] = pairs.get((a, b), 0) + c
        if not pairs:
            return out
        best = sorted(pairs, key=lambda p: (-pairs[p], age[p[0]], age[p[1]]))[0]
        out.append(best)
        age.setdefault("".join(best), len(age))
        vocab = {tuple(merged(pieces, best)): c for pieces, c in vocab.items()}
    return out

def merged(pieces, pair):
    result = []
    for piece in pieces:
        if result and result[-1] is not None and (result[-1], piece) == pair and not joined[-1]:
            result[-1] += piece
            joined[-1] = True
        else:
            if not result:
                joined = []
            result.append(piece)
            joined.append(False)
    return result

def encode(word, merges):
    rank = {tuple(p): i for i, p in enumerate(merges)}
    pieces = list(word)
    while len(pieces) > 1:
        best = min(zip(pieces, pieces[1:]), key=lambda p: rank.get(p, len(rank)))
        if best not in rank:
            break
        pieces = merged(pieces, best)
    return pieces
""",
        # counts kept up to date, returned as lists of lists
        """
from collections import defaultdict
def train(words, merges):
    texts = [[list(w), n] for w, n in words.items()]
    born = {}
    for c in sorted({c for w in words for c in w}):
        born[c] = len(born)
    found = []
    for _ in range(merges):
        count = defaultdict(int)
        for t, n in texts:
            for i in range(len(t) - 1):
                count[t[i], t[i + 1]] += n
        if len(count) == 0: break
        top = max(count.values())
        pair = min((p for p in count if count[p] == top), key=lambda p: (born[p[0]], born[p[1]]))
        found.append(pair)
        born.setdefault(pair[0] + pair[1], len(born))
        for each in texts:
            each[0] = apply(each[0], pair)
    return found
def apply(t, pair):
    i = 0
    t = list(t)
    while i < len(t) - 1:
        if t[i] == pair[0] and t[i + 1] == pair[1]:
            t[i:i + 2] = [t[i] + t[i + 1]]
        i += 1
    return t
def encode(word, merges):
    t = list(word)
    for a, b in merges:
        t = apply(t, (a, b))
    return t
""",
        # recursion
        """
from collections import Counter
from itertools import chain
def fuse(p, a, b):
    if len(p) < 2: return p
    return (a + b,) + fuse(p[2:], a, b) if p[:2] == (a, b) else p[:1] + fuse(p[1:], a, b)
def train(words, merges, done=None, texts=None):
    texts = texts or {w: tuple(w) for w in words}
    order = sorted(set(chain.from_iterable(words)))
    out = []
    for _ in range(merges):
        c = Counter()
        for w, n in words.items():
            c.update({q: n * m for q, m in Counter(zip(texts[w], texts[w][1:])).items()})
        if not c: break
        a, b = min(c, key=lambda q: (-c[q], order.index(q[0]), order.index(q[1])))
        out.append((a, b))
        if a + b not in order: order.append(a + b)
        texts = {w: fuse(p, a, b) for w, p in texts.items()}
    return out
def encode(word, merges):
    p = tuple(word)
    for a, b in merges: p = fuse(p, a, b)
    return list(p)
""",
    ],
    "online-softmax": [
        # a query at a time
        """
import numpy as np
def blockwise_attention(q, k, v, block):
    T, D = q.shape
    out = np.zeros((T, v.shape[1]), q.dtype)
    for i in range(T):
        m, l, o = -np.inf, 0.0, np.zeros(v.shape[1])
        for j in range(0, len(k), block):
            s = k[j:j + block].astype(np.float64) @ q[i].astype(np.float64) / np.sqrt(D)
            new = max(m, s.max())
            p = np.exp(s - new)
            l = l * np.exp(m - new) + p.sum()
            o = o * np.exp(m - new) + p @ v[j:j + block]
            m = new
        out[i] = o / l
    return out
""",
        # normalized at each step
        """
import numpy as np
def blockwise_attention(q, k, v, block):
    T, D = q.shape
    m = np.full(T, np.finfo(q.dtype).min, q.dtype)
    l = np.zeros(T, q.dtype)
    o = np.zeros_like(q)
    for start in range(0, T, block):
        s = np.einsum("td,sd->ts", q, k[start:start + block]) * (1 / D ** 0.5)
        top = np.maximum(m, s.max(1))
        old = l * np.exp(m - top)
        p = np.exp(s - top[:, None])
        l = old + p.sum(1)
        o = (o * old[:, None] + p @ v[start:start + block]) / l[:, None]
        m = top
    return o.astype(q.dtype)
""",
        # by log-sum-exp of blocks, from the last to the first
        """
import numpy as np
def blockwise_attention(q, k, v, block):
    T, D = q.shape
    parts, weights = [], []
    for start in reversed(range(0, T, block)):
        s = (q.astype(float) / D ** 0.5) @ k[start:start + block].T.astype(float)
        m = s.max(1, keepdims=True)
        e = np.exp(s - m)
        weights.append(m + np.log(e.sum(1, keepdims=True)))
        parts.append(e @ v[start:start + block] / e.sum(1, keepdims=True))
    w = np.stack(weights)
    w = np.exp(w - w.max(0)); w /= w.sum(0)
    return (w * np.stack(parts)).sum(0).astype(q.dtype)
""",
    ],
    "lora": [
        """
def lora_linear(x, w, a, b, alpha):
    return x @ merge(w, a, b, alpha).T
def merge(w, a, b, alpha):
    r = len(a)
    return w + (alpha / r) * (b @ a)
""",
        """
import numpy as np
def lora_linear(x, w, a, b, alpha):
    r = b.shape[1]
    y = np.einsum("ni,oi->no", x, w)
    y += np.einsum("ni,ri,or->no", x, a, b, optimize=True).astype(y.dtype) * (alpha / r)
    return y
def merge(w, a, b, alpha):
    out = w.copy()
    for i in range(a.shape[0]):
        out += np.outer(b[:, i], a[i]) * (alpha / a.shape[0])
    return out
""",
        """
import numpy as np
def lora_linear(x, w, a, b, alpha):
    scale = x.dtype.type(alpha / a.shape[0])
    return np.dot(x, w.T) + np.dot(scale * np.dot(x, a.T), b.T)
def merge(w, a, b, alpha):
    return (w.astype(np.float64) + alpha * b.astype(np.float64) @ a / a.shape[0]).astype(w.dtype)
""",
    ],
    "adamw": [
        # decay first, as torch does it
        """
import numpy as np
def adamw_step(p, g, m, v, t, lr, betas, eps, weight_decay):
    b1, b2 = betas
    q = p * (1 - lr * weight_decay)
    m = m + (1 - b1) * (g - m)
    v = b2 * v + (1 - b2) * g * g
    denominator = np.sqrt(v) / (1 - b2 ** t) ** 0.5 + eps
    return q - lr / (1 - b1 ** t) * m / denominator, m, v
""",
        # in place on copies
        """
import numpy as np
def adamw_step(p, g, m, v, t, lr, betas, eps, weight_decay):
    p, m, v = p.copy(), m.copy(), v.copy()
    m *= betas[0]; m += g * (1 - betas[0])
    v *= betas[1]; v += np.square(g) * (1 - betas[1])
    step = (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    p -= lr * step + lr * weight_decay * p
    return [p, m, v]
""",
        # number by number
        """
import numpy as np
def adamw_step(p, g, m, v, t, lr, betas, eps, weight_decay):
    new = [np.empty_like(p) for _ in range(3)]
    for i in np.ndindex(p.shape):
        mi = betas[0] * float(m[i]) + (1 - betas[0]) * float(g[i])
        vi = betas[1] * float(v[i]) + (1 - betas[1]) * float(g[i]) ** 2
        up = mi / (1 - betas[0] ** t) / ((vi / (1 - betas[1] ** t)) ** 0.5 + eps)
        new[0][i] = float(p[i]) - lr * (up + weight_decay * float(p[i]))
        new[1][i], new[2][i] = mi, vi
    return tuple(new)
""",
    ],
}
