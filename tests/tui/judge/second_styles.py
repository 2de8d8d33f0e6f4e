"""A second style of tasks that had one: the ways in which other people write them."""

from __future__ import annotations

SECOND: dict[str, str] = {
    # one einsum for all heads, the three projections by reshape, GELU by a sigmoid
    "gpt2-block": """
import numpy as np
def gpt2_block(x, p, num_heads):
    def ln(z, name):
        z = z - z.mean(-1, keepdims=True)
        return z * (np.square(z).mean(-1, keepdims=True) + 1e-5) ** -0.5 * p[name + ".weight"] + p[name + ".bias"]
    def linear(z, name):
        return np.einsum("btc,cd->btd", z, p[name + ".weight"]) + p[name + ".bias"]
    def gelu(z):
        return z / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z ** 3)))
    B, T, C = x.shape
    qkv = linear(ln(x, "ln_1"), "attn.c_attn")
    q, k, v = qkv.reshape(B, T, 3, num_heads, -1).transpose(2, 0, 1, 3, 4)
    s = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(C / num_heads)
    s = s + np.triu(np.full((T, T), -np.inf), 1)
    w = np.exp(s - s.max(-1, keepdims=True))
    w /= w.sum(-1, keepdims=True)
    x = x + linear(np.einsum("bhqk,bkhd->bqhd", w, v).reshape(B, T, C), "attn.c_proj")
    return (x + linear(gelu(linear(ln(x, "ln_2"), "mlp.c_fc")), "mlp.c_proj")).astype(qkv.dtype)
""",
    # the sub-layers as closures that one step calls, sentence by sentence over its real tokens alone
    "encoder-layer": """
import numpy as np
def encoder_layer(x, p, num_heads, norm="post", mask=None):
    C = x.shape[-1]
    D = C // num_heads
    def attention(z):
        out = np.zeros(z.shape)
        for b in range(len(z)):
            seen = z[b] if mask is None else z[b][mask[b]]
            for h in range(num_heads if len(seen) else 0):
                own = slice(h * D, (h + 1) * D)
                q, k, v = (m @ p[n][:, own] for m, n in ((z[b], "w_q"), (seen, "w_k"), (seen, "w_v")))
                s = np.exp((a := q @ k.T / D ** 0.5) - a.max(1, keepdims=True))
                out[b, :, own] = s @ v / s.sum(1, keepdims=True)
        return out @ p["w_o"]
    def feed_forward(z):
        return np.maximum(z @ p["w_1"] + p["b_1"], 0) @ p["w_2"] + p["b_2"]
    def normalized(z, name):
        z = (z - z.mean(-1)[..., None]) / np.sqrt(z.var(-1) + 1e-5)[..., None]
        return z * p[f"{name}.weight"] + p[f"{name}.bias"]
    y = x.astype(float)
    for name, sublayer in (("norm_1", attention), ("norm_2", feed_forward)):
        y = normalized(y + sublayer(y), name) if norm == "post" else y + sublayer(normalized(y, name))
    return y.astype(x.dtype)
""",
    # math.erf over every element; tanh as it stands in the paper
    "gelu": """
import math
import numpy as np
phi = np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))), otypes=[float])
def gelu(x):
    return np.asarray(x * phi(x), x.dtype)
def gelu_tanh(x):
    v = x.astype(np.float64)
    return (0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v ** 3)))).astype(x.dtype)
""",
    # by where and a mask of booleans
    "dropout": """
import numpy as np
def dropout(x, p, u, training=True):
    if training:
        return np.where(u < p, 0, x.astype(float) / (1 - p)).astype(x.dtype)
    return x
""",
    # plain math, from the end of the schedule backwards
    "cosine-schedule": """
import math
def cosine_schedule(step, max_lr, warmup_steps, total_steps, min_lr=0.0):
    if step >= total_steps:
        return float(min_lr)
    if step < warmup_steps:
        return max_lr * step / warmup_steps
    left = (total_steps - step) / (total_steps - warmup_steps)
    return min_lr + (max_lr - min_lr) * (1 - math.cos(math.pi * left)) / 2
""",
    # the smoothed target as an array, row by row
    "label-smoothing": """
import numpy as np
def label_smoothed_cross_entropy(logits, targets, smoothing):
    N, V = logits.shape
    t = np.eye(V)[targets] * (1 - smoothing) + smoothing / V
    loss, gradient = 0.0, np.zeros((N, V))
    for i, row in enumerate(logits.astype(float)):
        z = row - row.max()
        log_p = z - np.log(np.exp(z).sum())
        loss -= t[i] @ log_p / N
        gradient[i] = (np.exp(log_p) - t[i]) / N
    return np.asarray(loss, logits.dtype), gradient.astype(logits.dtype)
""",
    # plain Python, a sorted list of continuations in each step
    "beam-search": """
def beam_search(log_probs, start, end, num_beams, max_length, length_penalty=1.0):
    table = log_probs.tolist()
    beams, finished = [([start], 0.0)], []
    for length in range(1, max_length + 1):
        grown = sorted(
            ((tokens + [j], score + p) for tokens, score in beams for j, p in enumerate(table[tokens[-1]])),
            key=lambda one: one[1], reverse=True,
        )
        ended = lambda one: one[0][-1] == end or length == max_length
        finished += [(s / length ** length_penalty, t[1:]) for t, s in filter(ended, grown[:num_beams])]
        beams = [one for one in grown if not ended(one)][:num_beams]
        if not beams:
            break
    score, tokens = max(finished)
    return tokens, score
""",
    # row by row, half to even
    "int8-quantization": """
import numpy as np
def quantize(w):
    scale = np.abs(w).max(axis=1, keepdims=True) / np.float32(127)
    scale[scale == 0] = 1
    return np.rint(w / scale).astype(np.int8), scale
def dequantize(codes, scale):
    return np.stack([row.astype(np.float32) * s for row, s in zip(codes, scale[:, 0])])
""",
    # the bias as [H, T, T], added to the scores of all heads at once
    "alibi": """
import numpy as np
def alibi_attention(q, k, v):
    B, H, T, D = q.shape
    slopes = (2.0 ** -(8.0 / H)) ** np.arange(1, H + 1)
    i, j = np.mgrid[:T, :T]
    bias = np.where(j <= i, (j - i) * slopes[:, None, None], -np.inf)
    s = np.einsum("bhid,bhjd->bhij", q, k, dtype=np.float64) / np.sqrt(D) + bias
    w = np.exp(s - s.max(-1, keepdims=True))
    return (w / w.sum(-1, keepdims=True) @ v).astype(v.dtype)
""",
    # sentence by sentence; a softmax over what a row may see, row by row
    "padding-mask": """
import numpy as np
def padding_mask(ids, pad_id):
    return np.array([[[[token != pad_id for token in row]]] for row in ids.tolist()], bool)
def decoder_mask(ids, pad_id):
    return padding_mask(ids, pad_id) & np.tri(ids.shape[1], dtype=bool)
def masked_softmax(scores, mask):
    out = np.zeros_like(scores)
    full = np.broadcast_to(mask, scores.shape)
    for place in np.ndindex(*scores.shape[:-1]):
        seen = full[place]
        if seen.any():
            e = np.exp(scores[place][seen].astype(float) - scores[place][seen].max())
            out[place][seen] = e / e.sum()
    return out
""",
    # example by example, the gradient by which of the two terms is the smaller
    "ppo": """
import math
import numpy as np
def ppo_loss(new, old, advantages, clip=0.2):
    total, gradient = 0.0, []
    for n, o, a in zip(new.tolist(), old.tolist(), advantages.tolist()):
        r = math.exp(n - o)
        plain, clipped = r * a, min(max(r, 1 - clip), 1 + clip) * a
        total += min(plain, clipped)
        gradient.append(-plain / len(new) if plain <= clipped else 0.0)
    return np.float32(-total / len(new)), np.array(gradient, new.dtype)
""",
    # all answers at once, padding put to 0 and means taken by counts
    "grpo": """
import numpy as np
def group_advantages(rewards, eps=1e-4):
    centered = rewards - rewards.mean(1, keepdims=True)
    return centered / (rewards.std(1, keepdims=True) + rewards.dtype.type(eps))
def grpo_loss(new, old, reference, advantages, mask, clip=0.2, beta=0.04):
    new, old, reference = (np.where(mask, x, 0).astype(float) for x in (new, old, reference))
    ratio, a = np.exp(new - old), advantages.astype(float)[:, None]
    d = reference - new
    each = np.minimum(ratio * a, ratio.clip(1 - clip, 1 + clip) * a) - beta * (np.exp(d) - d - 1)
    return -np.mean((each * mask).sum(1) / mask.sum(1))
""",
}
