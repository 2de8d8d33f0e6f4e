"""Right solutions in other styles of the tasks after the first fifteen: loops, einsum, float64, other formulas."""

from __future__ import annotations

_HEADS = """
import numpy as np

def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)

def attend(q, k, v, seen):
    s = np.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(q.shape[-1]).astype(q.dtype)
    return np.einsum("bhqk,bhkd->bhqd", softmax(np.where(seen, s, -np.inf).astype(q.dtype)), v).astype(q.dtype)
"""

FURTHER: dict[str, list[str]] = {
    "causal-attention": [
        _HEADS
        + """
def causal_attention(q, k, v):
    Tq, Tk = q.shape[2], k.shape[2]
    return attend(q, k, v, np.tri(Tq, Tk, Tk - Tq, dtype=bool))
""",
        # query by query, over the prefix that it sees
        """
import numpy as np
def causal_attention(q, k, v):
    past = k.shape[2] - q.shape[2]
    out = np.empty((*q.shape[:3], v.shape[-1]), q.dtype)
    for i in range(q.shape[2]):
        n = past + i + 1
        s = (k[:, :, :n].astype(float) @ q[:, :, i, :, None].astype(float))[..., 0] * q.shape[-1] ** -0.5
        w = np.exp(s - s.max(-1, keepdims=True))
        out[:, :, i] = ((w / w.sum(-1, keepdims=True))[:, :, None] @ v[:, :, :n].astype(float))[:, :, 0]
    return out
""",
    ],
    "cross-attention": [
        # a head at a time, only over real tokens
        """
import numpy as np
def cross_attention(x, memory, w_q, w_k, w_v, w_o, num_heads, mask=None):
    B, T, C = x.shape
    D = C // num_heads
    y = np.zeros_like(x)
    for b in range(B):
        m = memory[b] if mask is None else memory[b][mask[b]]
        if not len(m):
            continue
        q, k, v = x[b] @ w_q, m @ w_k, m @ w_v
        for h in range(num_heads):
            c = slice(h * D, h * D + D)
            s = q[:, c] @ k[:, c].T / D ** 0.5
            w = np.exp(s - s.max(-1, keepdims=True))
            y[b, :, c] = w / w.sum(-1, keepdims=True) @ v[:, c]
    return y @ w_o
""",
        # NaN put to 0 afterwards, W_O applied by head
        """
import numpy as np
def cross_attention(x, memory, w_q, w_k, w_v, w_o, num_heads, mask=None):
    C = x.shape[-1]
    shape = (C, num_heads, C // num_heads)
    q = np.einsum("btc,chd->bhtd", x, w_q.reshape(shape))
    k = np.einsum("btc,chd->bhtd", memory, w_k.reshape(shape))
    v = np.einsum("btc,chd->bhtd", memory, w_v.reshape(shape))
    s = q @ k.swapaxes(2, 3) * (C // num_heads) ** -0.5
    if mask is not None:
        s = np.where(mask[:, None, None], s, -np.inf)
    with np.errstate(all="ignore"):
        w = np.exp(s - s.max(-1, keepdims=True))
        w = np.nan_to_num(w / w.sum(-1, keepdims=True))
    return np.einsum("bhqk,bhkd,hdc->bqc", w, v, w_o.reshape(num_heads, -1, C), optimize=True).astype(x.dtype)
""",
    ],
    "sliding-window-attention": [
        _HEADS
        + """
def sliding_window_attention(q, k, v, window, causal=False):
    T = q.shape[2]
    seen = np.tri(T, T, 0 if causal else window, dtype=bool) & ~np.tri(T, T, -window - 1, dtype=bool)
    return attend(q, k, v, seen)
""",
        # only the keys of the window are ever looked at
        """
import numpy as np
def sliding_window_attention(q, k, v, window, causal=False):
    T, D = q.shape[2:]
    out = np.empty_like(v)
    for i in range(T):
        a, b = max(0, i - window), i + 1 if causal else min(T, i + window + 1)
        s = (q[:, :, i : i + 1] @ k[:, :, a:b].swapaxes(2, 3)) / D ** 0.5
        w = np.exp(s - s.max(-1, keepdims=True))
        out[:, :, i : i + 1] = w @ v[:, :, a:b] / w.sum(-1, keepdims=True)
    return out
""",
    ],
    "gpt2-block": [
        # heads in a loop, the variance by numpy, the cube by two products
        """
import numpy as np
def gpt2_block(x, p, num_heads):
    def norm(x, n):
        z = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return z * p[n + ".weight"] + p[n + ".bias"]
    def conv1d(x, n):
        return np.dot(x, p[n + ".weight"]) + p[n + ".bias"]
    B, T, C = x.shape
    D = C // num_heads
    qkv = conv1d(norm(x, "ln_1"), "attn.c_attn")
    heads = np.empty_like(x)
    for h in range(num_heads):
        q, k, v = (qkv[..., i * C + h * D : i * C + (h + 1) * D] for i in range(3))
        s = q @ k.transpose(0, 2, 1) / D ** 0.5
        s[:, np.triu(np.ones((T, T), bool), 1)] = -np.inf
        e = np.exp(s - s.max(-1, keepdims=True))
        heads[..., h * D : (h + 1) * D] = e @ v / e.sum(-1, keepdims=True)
    x = x + conv1d(heads, "attn.c_proj")
    h = conv1d(norm(x, "ln_2"), "mlp.c_fc")
    h = h * (0.5 + 0.5 * np.tanh(0.7978845608 * h * (1 + 0.044715 * h * h)))
    return x + conv1d(h, "mlp.c_proj")
""",
    ],
    "encoder-layer": [
        """
import numpy as np
def encoder_layer(x, p, num_heads, norm="post", mask=None):
    def ln(z, n):
        z = (z - z.mean(-1, keepdims=True)) / np.sqrt(z.var(-1, keepdims=True) + 1e-5)
        return z * p[n + ".weight"] + p[n + ".bias"]
    def mha(z):
        B, T, C = z.shape
        q, k, v = (np.stack(np.split(z @ p[n], num_heads, -1), 1) for n in ("w_q", "w_k", "w_v"))
        s = q @ k.swapaxes(2, 3) * (C // num_heads) ** -0.5
        if mask is not None:
            s = np.where(mask[:, None, None], s, -1e4).astype(s.dtype)
        e = np.exp(s - s.max(-1, keepdims=True))
        if mask is not None:
            e = e * mask[:, None, None]
        w = e / np.maximum(e.sum(-1, keepdims=True), 1e-7)
        return np.concatenate(list((w @ v).swapaxes(0, 1)), -1).astype(z.dtype) @ p["w_o"]
    def ffn(z):
        h = z @ p["w_1"] + p["b_1"]
        return h * (h > 0) @ p["w_2"] + p["b_2"]
    if norm == "post":
        x = ln(x + mha(x), "norm_1")
        return ln(x + ffn(x), "norm_2")
    x = x + mha(ln(x, "norm_1"))
    return x + ffn(ln(x, "norm_2"))
""",
    ],
    "gelu": [
        # Φ by the complementary error function; number by number
        """
import numpy as np, math
def gelu(x):
    flat = [float(v) * 0.5 * math.erfc(-float(v) / math.sqrt(2)) for v in x.reshape(-1)]
    return np.array(flat, x.dtype).reshape(x.shape)
def gelu_tanh(x):
    y = x.astype(np.float64)
    z = 2 * math.sqrt(2 / math.pi) * (y + 0.044715 * y * y * y)
    return (y * np.exp(-np.logaddexp(0, -z))).astype(x.dtype)  # 1/2 (1 + tanh z) is a sigmoid
""",
    ],
    "swiglu": [
        """
import numpy as np
def swiglu(x, w_gate, w_up, w_down):
    z = np.einsum("btc,cf->btf", x, w_gate)
    gate = z * (0.5 * (1 + np.tanh(z / 2)))
    return np.einsum("btf,fc->btc", gate * np.einsum("btc,cf->btf", x, w_up), w_down).astype(x.dtype)
""",
        # both projections at once
        """
import numpy as np
def swiglu(x, w_gate, w_up, w_down):
    g, u = np.split(x @ np.concatenate([w_gate, w_up], 1), 2, -1)
    e = np.exp(-np.abs(g))
    sigmoid = np.where(g >= 0, 1 / (1 + e), e / (1 + e))
    return (g * sigmoid * u) @ w_down
""",
    ],
    "linear": [
        """
import numpy as np
def linear(x, w, b):
    y = np.einsum("...i,oi->...o", x, w)
    y += b
    return y
def linear_backward(dy, x, w):
    dx = np.einsum("...o,oi->...i", dy, w)
    dw = np.einsum("no,ni->oi", dy.reshape(-1, len(w)), x.reshape(-1, w.shape[1]))
    return [dx, dw, dy.sum(tuple(range(dy.ndim - 1)))]
""",
        # outer products, row by row
        """
import numpy as np
def linear(x, w, b):
    return np.dot(x, w.T) + b[None]
def linear_backward(dy, x, w):
    dw, db = np.zeros(w.shape), np.zeros(len(w))
    for index in np.ndindex(x.shape[:-1]):
        dw += np.outer(dy[index].astype(float), x[index])
        db += dy[index]
    return np.dot(dy, w), dw.astype(w.dtype), db.astype(w.dtype)
""",
    ],
    "embedding": [
        # by one-hot products
        """
import numpy as np
def embedding(ids, table):
    return np.eye(len(table), dtype=table.dtype)[ids] @ table
def embedding_backward(ids, dy, vocab_size):
    one_hot = (ids.reshape(-1)[:, None] == np.arange(vocab_size)).astype(dy.dtype)
    return one_hot.T @ dy.reshape(-1, dy.shape[-1])
""",
        """
import numpy as np
def embedding(ids, table):
    return np.take(table, ids, axis=0)
def embedding_backward(ids, dy, vocab_size):
    g = np.zeros((vocab_size, dy.shape[-1]), dy.dtype)
    for token, row in zip(ids.ravel(), dy.reshape(ids.size, -1)):
        g[token] += row
    return g
""",
    ],
    "dropout": [
        """
import numpy as np
def dropout(x, p, u, training=True):
    if not training or p == 0:
        return x.copy()
    keep = (u >= p).astype(x.dtype)
    return x * keep / x.dtype.type(1 - p)
""",
    ],
    "sinusoidal-positions": [
        # number by number
        """
import numpy as np, math
def sinusoidal_positions(length, dims, base=10000.0):
    table = np.empty((length, dims), "float32")
    for pos in range(length):
        for c in range(dims):
            angle = pos / base ** ((c - c % 2) / dims)
            table[pos, c] = math.cos(angle) if c % 2 else math.sin(angle)
    return table
""",
        # the exponential of a logarithm, in float32 throughout
        """
import numpy as np
def sinusoidal_positions(length, dims, base=10000.0):
    rate = np.exp(np.arange(0, dims, 2, dtype=np.float32) * np.float32(-np.log(base) / dims))
    angle = np.outer(np.arange(length, dtype=np.float32), rate)
    return np.dstack([np.sin(angle), np.cos(angle)]).reshape(length, dims)
""",
    ],
    "adam": [
        # both corrections folded into the step, as in the paper's last remark
        """
import numpy as np
def adam_step(p, g, m, v, t, lr, betas, eps):
    b1, b2 = betas
    m = m + (1 - b1) * (g - m)
    v = b2 * v + (1 - b2) * np.square(g)
    root = (1 - b2 ** t) ** 0.5
    return p - lr * root / (1 - b1 ** t) * m / (np.sqrt(v) + eps * root), m, v
""",
        """
import numpy as np
def adam_step(p, g, m, v, t, lr, betas, eps):
    p, m, v = (z.astype(np.float64) for z in (p, m, v))
    m *= betas[0]; m += (1 - betas[0]) * g
    v *= betas[1]; v += (1 - betas[1]) * g.astype(np.float64) ** 2
    p -= lr * (m / (1 - betas[0] ** t)) / ((v / (1 - betas[1] ** t)) ** 0.5 + eps)
    return tuple(z.astype(g.dtype) for z in (p, m, v))
""",
    ],
    "cosine-schedule": [
        # cos² of half the angle, in NumPy
        """
import numpy as np
def cosine_schedule(step, max_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return np.float64(max_lr * (step / warmup_steps))
    way = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    share = np.cos(np.pi * way / 2) ** 2
    return np.float32(share * max_lr + (1 - share) * min_lr)
""",
    ],
    "gradient-clipping": [
        """
import numpy as np
def clip_grad_norm(gradients, max_norm):
    flat = np.concatenate([g.reshape(-1).astype(np.float64) for g in gradients])
    norm = np.linalg.norm(flat)
    if norm <= max_norm:
        return [g.copy() for g in gradients]
    return tuple((g * (max_norm / norm)).astype(g.dtype) for g in gradients)
""",
        # the norm of the norms
        """
import numpy as np
def clip_grad_norm(gradients, max_norm):
    total = float(np.linalg.norm([np.linalg.norm(g.astype("float64")) for g in gradients]))
    return [g * g.dtype.type(max_norm / max(total, max_norm)) for g in gradients]
""",
    ],
    "gradient-accumulation": [
        # means of micro-batches, each weighed by its rows
        """
import numpy as np
def accumulated_gradient(w, x, y, micro_batch):
    total, seen = np.zeros(len(w)), 0
    while seen < len(x):
        a, b = x[seen : seen + micro_batch].astype(float), y[seen : seen + micro_batch]
        mean = 2 * ((a @ w - b)[:, None] * a).mean(0)
        total = total + mean * len(a) / len(x)
        seen += len(a)
    return total.astype(w.dtype)
""",
        # a running mean
        """
import numpy as np
def accumulated_gradient(w, x, y, micro_batch):
    g, n = np.zeros_like(w), 0
    for i in range(0, len(x), micro_batch):
        a = x[i : i + micro_batch]
        own = np.einsum("n,nc->c", a @ w - y[i : i + micro_batch], a) * 2 / len(a)
        n += len(a)
        g = g + (own - g) * (len(a) / n)
    return g.astype(w.dtype)
""",
    ],
    "label-smoothing": [
        # the loss as a mixture of two losses
        """
import numpy as np
def label_smoothed_cross_entropy(logits, targets, smoothing):
    n, v = logits.shape
    m = logits.max(1, keepdims=True)
    lse = m + np.log(np.exp(logits - m).sum(1, keepdims=True))
    hard = (lse[:, 0] - logits[np.arange(n), targets]).mean()
    even = (lse - logits).mean()
    gradient = np.exp(logits - lse)
    gradient -= gradient.dtype.type(smoothing / v)
    gradient[np.arange(n), targets] -= gradient.dtype.type(1 - smoothing)
    return (1 - smoothing) * hard + smoothing * even, gradient / gradient.dtype.type(n)
""",
    ],
    "top-k": [
        # argpartition, row by row
        """
import numpy as np
def top_k(logits, k):
    rows = np.atleast_2d(logits).astype(np.float64)
    out = np.zeros_like(rows)
    for row, z in zip(out, rows):
        best = np.argsort(z)[::-1][:k]
        e = np.exp(z[best] - z[best[0]])
        row[best] = e / e.sum()
    return out.reshape(logits.shape).astype(logits.dtype)
""",
        # renormalized after the softmax
        """
import numpy as np
def top_k(logits, k):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    rank = np.argsort(np.argsort(-logits, -1), -1)
    e *= rank < k
    return e / e.sum(-1, keepdims=True)
""",
    ],
    "beam-search": [
        # arrays of scores, all continuations ranked by argsort of the flat table
        """
import numpy as np
def beam_search(log_probs, start, end, num_beams, max_length, length_penalty=1.0):
    V = len(log_probs)
    beams, best = [(0.0, (start,))], (-np.inf, None)
    for step in range(1, max_length + 1):
        table = np.array([[score + float(p) for p in log_probs[tokens[-1]]] for score, tokens in beams])
        going = []
        for rank, place in enumerate(np.argsort(-table, axis=None)):
            beam, token = divmod(int(place), V)
            tokens = (*beams[beam][1], token)
            if token == end or step == max_length:
                if rank < num_beams:
                    best = max(best, (table[beam, token] / step ** length_penalty, tokens))
            elif len(going) < num_beams:
                going.append((table[beam, token], tokens))
        beams = going
        if not beams:
            break
    return list(best[1][1:]), best[0]
""",
    ],
    "speculative-decoding": [
        """
import numpy as np
def speculative_step(p, q, tokens, u):
    k = len(tokens)
    i = np.arange(k)
    keep = u < np.minimum(1, p[i, tokens] / q[i, tokens])
    n = int(np.argmin(keep)) if not keep.all() else k
    if n == k:
        return n, p[k].copy()
    left = np.clip(p[n] - q[n], 0, None)
    return n, left / np.sum(left)
""",
        # p less what was accepted, min(p, q)
        """
import numpy as np
def speculative_step(p, q, tokens, u):
    n = 0
    while n < len(tokens) and u[n] < p[n, tokens[n]].astype(float) / q[n, tokens[n]]:
        n += 1
    rest = p[n].astype(float)
    if n < len(q):
        rest = rest - np.minimum(p[n], q[n])
        rest /= rest.sum()
    return np.int64(n), rest.astype(p.dtype)
""",
    ],
    "moe": [
        # token by token
        """
import numpy as np
def moe(x, w_router, w_1, w_2, k):
    rows = x.reshape(-1, x.shape[-1])
    out = np.zeros_like(rows)
    for n, row in enumerate(rows):
        z = row @ w_router
        best = np.argsort(-z)[:k]
        gate = np.exp(z[best] - z[best].max())
        gate = gate / gate.sum()
        for g, e in zip(gate, best):
            out[n] += g * (np.maximum(row @ w_1[e], 0) @ w_2[e])
    return out.reshape(x.shape)
""",
        # each expert reads its own tokens
        """
import numpy as np
def moe(x, w_router, w_1, w_2, k):
    t = x.reshape(-1, x.shape[-1])
    z = t @ w_router
    chosen = np.argsort(-z, -1)[:, :k]
    g = np.take_along_axis(z, chosen, 1)
    g = np.exp(g - g.max(1, keepdims=True))
    g /= g.sum(1, keepdims=True)
    y = np.zeros_like(t)
    for e in range(w_1.shape[0]):
        rows, slot = np.nonzero(chosen == e)
        if len(rows):
            np.add.at(y, rows, g[rows, slot][:, None] * (np.maximum(t[rows] @ w_1[e], 0) @ w_2[e]))
    return y.reshape(x.shape)
""",
    ],
    "int8-quantization": [
        # times the inverse step, cut to the range
        """
import numpy as np
def quantize(w):
    peak = np.maximum(w.max(1), -w.min(1))
    peak = np.where(peak > 0, peak, 127).astype(np.float32)
    codes = np.clip(np.floor(w * (127 / peak)[:, None] + 0.5), -127, 127)
    return codes.astype("int8"), (peak / np.float32(127))[:, None]
def dequantize(codes, scale):
    return np.multiply(codes, scale, dtype=np.float32)
""",
    ],
    "alibi": [
        # the bias m · j alone: a row is shifted by a constant
        _HEADS
        + """
def alibi_attention(q, k, v):
    H, T = q.shape[1:3]
    out = np.empty_like(v)
    for h in range(H):
        m = 2.0 ** (-8.0 * (h + 1) / H)
        s = q[:, h].astype(float) @ k[:, h].swapaxes(1, 2).astype(float) / q.shape[-1] ** 0.5 + m * np.arange(T)
        out[:, h] = softmax(np.where(np.tri(T, dtype=bool), s, -np.inf)) @ v[:, h]
    return out
""",
    ],
    "padding-mask": [
        """
import numpy as np
def padding_mask(ids, pad_id):
    return np.not_equal(ids, pad_id).reshape(len(ids), 1, 1, -1)
def decoder_mask(ids, pad_id):
    T = ids.shape[1]
    i, j = np.indices((T, T))
    return np.logical_and(padding_mask(ids, pad_id), (j <= i)[None, None])
def masked_softmax(scores, mask):
    s = np.where(mask, scores, -np.inf)
    top = s.max(-1, keepdims=True)
    e = np.where(mask, np.exp(s - np.where(np.isfinite(top), top, 0)), 0)
    total = e.sum(-1, keepdims=True)
    return (e / np.where(total > 0, total, 1)).astype(scores.dtype)
""",
    ],
    "bert-masking": [
        # token by token
        """
import numpy as np
def mask_tokens(ids, special, mask_id, choose, kind, random_ids, rate=0.15):
    inputs, labels = ids.copy(), np.full(ids.shape, -100)
    for at in np.ndindex(ids.shape):
        if ids[at] in special or choose[at] >= rate:
            continue
        labels[at] = ids[at]
        if kind[at] < 0.8:
            inputs[at] = mask_id
        elif kind[at] < 0.9:
            inputs[at] = random_ids[at]
    return inputs, labels
""",
        # by index assignment
        """
import numpy as np
def mask_tokens(ids, special, mask_id, choose, kind, random_ids, rate=0.15):
    chosen = (choose < rate) & ~np.isin(ids, special)
    labels = ids.astype("int32")
    labels[~chosen] = -100
    inputs = np.array(ids)
    inputs[chosen & (kind < 0.8)] = mask_id
    swap = chosen & (kind >= 0.8) & (kind < 0.9)
    inputs[swap] = random_ids[swap]
    return inputs, labels
""",
    ],
    "linear-attention": [
        # the map T × T
        """
import numpy as np
def linear_attention(q, k, v, causal=False):
    f = lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))) + 1
    w = f(q) @ f(k).swapaxes(-1, -2)
    if causal:
        w = np.tril(w)
    return (w @ v / w.sum(-1, keepdims=True)).astype(q.dtype)
""",
        # a state, token by token
        """
import numpy as np
def linear_attention(q, k, v, causal=False):
    phi = lambda x: np.exp(np.minimum(x, 0)) + np.maximum(x, 0)
    a, b = phi(q).astype(float), phi(k).astype(float)
    T = q.shape[2]
    S, z = 0.0, 0.0
    out = np.empty_like(v)
    def read(t):
        return np.einsum("bhd,bhde->bhe", a[:, :, t], S) / (a[:, :, t] * z).sum(-1, keepdims=True)
    for t in range(T):
        S = S + b[:, :, t, :, None] * v[:, :, t, None, :]
        z = z + b[:, :, t]
        if causal:
            out[:, :, t] = read(t)
    if not causal:
        for t in range(T):
            out[:, :, t] = read(t)
    return out
""",
    ],
    "dpo": [
        # the other order of differences, softplus by hand
        """
import numpy as np
def dpo_loss(pc, pr, rc, rr, beta=0.1):
    z = beta * ((pc - pr) - (rc - rr))
    loss = np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))
    return loss.sum() / len(z), beta * (pc - rc), beta * (pr - rr)
""",
        """
import numpy as np, math
def dpo_loss(policy_chosen, policy_rejected, reference_chosen, reference_rejected, beta=0.1):
    dtype = policy_chosen.dtype
    a = [beta * (float(x) - float(y)) for x, y in zip(policy_chosen, reference_chosen)]
    b = [beta * (float(x) - float(y)) for x, y in zip(policy_rejected, reference_rejected)]
    losses = [y - x if y - x > 30 else math.log1p(math.exp(y - x)) for x, y in zip(a, b)]
    return math.fsum(losses) / len(a), np.array(a, dtype), np.array(b, dtype)
""",
    ],
    "ppo": [
        # by the sign of the advantage
        """
import numpy as np
def ppo_loss(new, old, advantages, clip=0.2):
    r = np.exp(new - old)
    bound = np.where(advantages >= 0, np.minimum(r, 1 + clip), np.maximum(r, 1 - clip)).astype(new.dtype)
    stopped = np.where(advantages >= 0, r > 1 + clip, r < 1 - clip)
    gradient = -(r * advantages) * ~stopped / new.dtype.type(len(new))
    return float(-(bound * advantages).mean()), gradient
""",
    ],
    "grpo": [
        # answer by answer, over real tokens only
        """
import numpy as np
def group_advantages(rewards, eps=1e-4):
    rows = []
    for row in rewards.astype(float):
        rows.append((row - row.mean()) / (np.sqrt(((row - row.mean()) ** 2).mean()) + eps))
    return np.array(rows, rewards.dtype)
def grpo_loss(new, old, reference, advantages, mask, clip=0.2, beta=0.04):
    losses = []
    for n, o, f, a, m in zip(new, old, reference, advantages, mask):
        n, o, f, a = n[m].astype(float), o[m].astype(float), f[m].astype(float), float(a)
        r = np.exp(n - o)
        gain = np.minimum(r, 1 + clip) * a if a > 0 else np.maximum(r, 1 - clip) * a
        losses.append(-(gain - beta * (np.expm1(f - n) - (f - n))).mean())
    return sum(losses) / len(losses)
""",
    ],
}
