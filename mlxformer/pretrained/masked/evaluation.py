"""What the masked language models can do: recall of what they have seen, and, never mixed with it, held-out lines.

A score ``tang-top-1`` is the share of characters that come first when that character alone is masked in its sentence;
``tang-held-out-top-1`` the same on poems that were never trained on. Marks of punctuation are not asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.masked.batches import CLS, MASK, PAD, SEP, UNK
from mlxformer.pretrained.masked.reader import FOLLOWS, MaskFiller
from mlxformer.pretrained.masked.samples import Kind, alternatives, documents, samples
from mlxformer.pretrained.masked.vocabulary import MAX_LENGTH
from mlxformer.tokenization.bert import BertTokenizer
from mlxformer.tracing import trace
from mlxformer.training.masked_lm import mask_tokens

SEED = 20_261_126
BATCH = 256
COMMON_RATE = 0.15  # at which the models of one masking rate are compared
LINES: tuple[Kind, ...] = ("tang", "lunyu", "sanzijing", "verse")
LONGEST_OF_PAIR = 24

Progress = Callable[[float], None]


def masked_one_by_one(texts: Sequence[str], using: BertTokenizer) -> list[tuple[np.ndarray, int, int]]:
    """For each word or character of each text: its ids, the place, and the id that belongs there.

    Args:
        texts: strings.
        using: the tokenizer.

    Returns:
        A case for each place that is no mark of punctuation.

    >>> from mlxformer.pretrained.masked.evaluation import masked_one_by_one
    >>> from mlxformer.pretrained.masked.vocabulary import tokenizer
    >>> [place for _, place, _ in masked_one_by_one(["床前，明月"], tokenizer())]
    [1, 2, 4, 5]
    """
    found = []
    for text in texts:
        ids = to_numpy(using(text, max_length=MAX_LENGTH).input_ids)[0]
        for place, token in enumerate(using.tokens(ids)):
            if token.lstrip("#").isalnum() and place not in (0, len(ids) - 1):
                found.append((ids, place, int(ids[place])))
    return found


def ranks(reader: MaskFiller, texts: Sequence[str]) -> np.ndarray:
    """How many tokens the model holds likelier than the one that belongs there, each place masked alone.

    Args:
        reader: the model.
        texts: strings.

    Returns:
        Whole numbers [N], 0 where it comes first; in no particular order.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import ranks
    >>> ranks(mf.load_pretrained("bert-mini"), ["画蛇添足"]).tolist()  # 画蛇著足 is one too
    [0, 0, 1, 0]
    """
    cases = sorted(masked_one_by_one(texts, reader.tokenizer), key=lambda case: len(case[0]))
    found = []
    for start in range(0, len(cases), BATCH):
        batch = cases[start : start + BATCH]
        rows = np.full((len(batch), max(len(ids) for ids, _, _ in batch)), PAD, np.int32)
        for row, (ids, place, _) in enumerate(batch):
            rows[row, : len(ids)] = ids
            rows[row, place] = MASK
        logits = _logits_at(reader, rows, [place for _, place, _ in batch])
        right = logits[np.arange(len(batch)), [token for _, _, token in batch]]
        found.append((logits > right[:, None]).sum(-1))
    return np.concatenate(found) if found else np.zeros(0, int)


def _logits_at(reader: MaskFiller, rows: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """[N, V]: the head at one place of each row; the other places are not needed, and most of the work."""
    model = reader.model
    hidden = model.bert(mx.array(rows), attention_mask=mx.array((rows != PAD).astype(np.int32))).last_hidden_state
    picked = hidden[mx.arange(len(rows)), mx.array(np.array(places, np.int32))]  # [N, C]
    logits = model.mlm_head(mx.expand_dims(picked, 0), model.bert.embeddings.word_embeddings)
    scores = to_numpy(logits)[0]
    scores[:, :MASK] = -np.inf
    return scores


def recall(reader: MaskFiller, texts: Sequence[str]) -> tuple[float, float]:
    """The shares of places at which the right token is first, and among the first five.

    Args:
        reader: the model.
        texts: strings.

    Returns:
        Top-1 and top-5, 0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import recall
    >>> recall(mf.load_pretrained("bert-mini"), ["画蛇添足"])
    (0.75, 1.0)
    """
    found = ranks(reader, texts)
    return float((found < 1).mean()), float((found < 5).mean())


def idioms_completed(reader: MaskFiller, idioms: Sequence[str]) -> tuple[float, float]:
    """The share of masked characters of which the likeliest token makes an idiom of the list, this one or another.

    Args:
        reader: the model.
        idioms: of the samples, four characters each.

    Returns:
        That share, and the top-1 that a reader who knows the whole list by heart could expect, guessing among those
        that fit.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import idioms_completed
    >>> idioms_completed(mf.load_pretrained("bert-mini"), ["画蛇添足"])[0]
    1.0
    """
    right, possible = [], []
    for start in range(0, len(idioms), BATCH):
        batch = idioms[start : start + BATCH]
        ids = to_numpy(reader.tokenizer(list(batch)).input_ids)
        also = [alternatives(idiom) for idiom in batch]
        for place in range(len(batch[0])):
            rows = ids.copy()
            rows[:, place + 1] = MASK
            best = reader.tokenizer.tokens(_logits_at(reader, rows, [place + 1] * len(rows)).argmax(-1).tolist())
            for token, idiom, others in zip(best, batch, also, strict=True):
                right.append(token in idiom[place] + others[place])
                possible.append(1 / (1 + len(others[place])))
    return float(np.mean(right)), float(np.mean(possible))


def next_sentence_pairs(held_out: bool) -> list[tuple[str, str, bool]]:
    """Neighbors, and as many firsts of them with a sentence of another document of their kind.

    Args:
        held_out: of documents that were never trained on, or of those that were.

    Returns:
        A, B, and whether B follows A.

    >>> from mlxformer.pretrained.masked.evaluation import next_sentence_pairs
    >>> follows = [each for _, _, each in next_sentence_pairs(held_out=True)]
    >>> 0.5 <= sum(follows) / len(follows) < 0.51
    True
    """
    generator = np.random.default_rng(SEED)
    found = []
    for kind in LINES:
        texts = documents(kind, held_out=held_out)
        for number, sentences in enumerate(texts):
            for first, second in itertools.pairwise(sentences):
                found.append((first, second, True))
                others = [other for other in range(len(texts)) if other != number]
                if others:
                    other = texts[others[generator.integers(len(others))]]
                    found.append((first, other[generator.integers(len(other))], False))
    return found


def next_sentence(reader: MaskFiller, held_out: bool) -> float:
    """The share of pairs of which the likelier answer is right. A coin gets a half.

    Args:
        reader: a model with that head.
        held_out: of documents that were never trained on, or of those that were.

    Returns:
        0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import next_sentence
    >>> next_sentence(mf.load_pretrained("bert-mini"), held_out=False) > 0.5  # doctest: +SKIP
    True
    """
    right = []
    pairs = next_sentence_pairs(held_out)
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        cut = reader.tokenizer([a for a, _, _ in batch], [b for _, b, _ in batch], max_length=2 * LONGEST_OF_PAIR + 3)
        out: Any = reader.model(**cut)
        scores = to_numpy(out.seq_relationship_logits)
        right += [(row.argmax() == FOLLOWS) == follows for row, (_, _, follows) in zip(scores, batch, strict=True)]
    return float(np.mean(right))


def attention_by_head(reader: MaskFiller, texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """The mean weight that tokens (not [CLS], [SEP]) give to where, for each head.

    Args:
        reader: the model.
        texts: strings.

    Returns:
        ``layer.head`` -> ``previous``, ``next``, ``self``, ``[CLS]``, ``[SEP]`` and the rest, ``elsewhere`` -> weight;
        they add up to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import attention_by_head
    >>> heads = attention_by_head(mf.load_pretrained("bert-mini"), ["画蛇添足"])
    >>> len(heads), round(sum(heads["0.0"].values()), 3)
    (24, 1.0)
    """
    sums: dict[str, dict[str, float]] = {}
    count = 0
    for text in texts:
        with trace(only="*.self_attention.weights") as steps:
            batch = reader.tokenizer(text, max_length=MAX_LENGTH)
            reader.model(**batch)
        layers = [step.value[0] for step in steps]  # each [H, T, T]
        length = layers[0].shape[-1]
        inner = np.arange(1, length - 1)
        count += len(inner)
        for layer, weights in enumerate(layers):
            for head, rows in enumerate(weights):
                parts = {
                    "previous": rows[inner, inner - 1] * (inner > 1),
                    "next": rows[inner, inner + 1] * (inner < length - 2),
                    "self": rows[inner, inner],
                    "[CLS]": rows[inner, 0],
                    "[SEP]": rows[inner, length - 1],
                }
                parts["elsewhere"] = 1.0 - sum(parts.values())
                into = sums.setdefault(f"{layer}.{head}", dict.fromkeys(parts, 0.0))
                for name, values in parts.items():
                    into[name] += float(np.sum(values))
    return {head: {name: round(total / count, 4) for name, total in parts.items()} for head, parts in sums.items()}


def ablations(reader: MaskFiller, texts: Sequence[str], progress: Progress | None = None) -> dict[str, float]:
    """Top-1 with each head switched off, one at a time.

    Args:
        reader: the model.
        texts: strings.
        progress: told the share that is done.

    Returns:
        ``0.3`` -> share from 0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import ablations
    >>> found = ablations(mf.load_pretrained("bert-mini"), ["画蛇添足"])
    >>> len(found), found["0.0"]
    (24, 0.75)
    """
    config = reader.model.config
    found = {}
    todo = [(layer, head) for layer in range(config.num_hidden_layers) for head in range(config.num_attention_heads)]
    for done, (layer, head) in enumerate(todo):
        with trace(only="") as steps:
            steps.replace(f"*.layers.{layer}.self_attention.heads", _without(head, config.num_attention_heads))
            found[f"{layer}.{head}"] = recall(reader, texts)[0]
        if progress is not None:
            progress((done + 1) / len(todo))
    return found


def _without(head: int, num_heads: int) -> Callable[[mx.array], mx.array]:
    keep = np.ones((1, num_heads, 1, 1), np.float32)
    keep[0, head] = 0.0
    return lambda heads: heads * mx.array(keep)


def measure(reader: MaskFiller, progress: Progress | None = None) -> tuple[dict[str, float], dict[str, Any]]:
    """The scores and the reports of bert-mini's card.

    Args:
        reader: the model.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import measure
    >>> scores, reports = measure(mf.load_pretrained("bert-mini"))  # doctest: +SKIP
    """
    scores: dict[str, float] = {}
    todo: list[tuple[Kind, bool]] = [("idioms", False)]
    todo += [(kind, held_out) for kind in LINES for held_out in (False, True)]
    for done, (kind, held_out) in enumerate(todo):
        name = f"{kind}-held-out" if held_out else kind
        scores[f"{name}-top-1"], scores[f"{name}-top-5"] = recall(reader, samples(kind, held_out=held_out))
        if progress is not None:
            progress(0.5 * (done + 1) / len(todo))
    scores["idioms-completed"], scores["idioms-top-1-possible"] = idioms_completed(reader, samples("idioms"))
    scores["next-sentence"] = next_sentence(reader, held_out=False)
    scores["next-sentence-held-out"] = next_sentence(reader, held_out=True)
    few = samples("idioms")[:200]
    lines = [text for kind in LINES for text in samples(kind)[:25]]
    later = None if progress is None else (lambda fraction: progress(0.5 + fraction / 2))
    looks = attention_by_head(reader, lines)
    layers = range(reader.model.config.num_hidden_layers)
    reports = {
        "what heads look at": looks,
        "mean weight to [CLS] and [SEP] by layer": {
            str(layer): {
                mark: round(float(np.mean([looks[head][mark] for head in looks if head.startswith(f"{layer}.")])), 4)
                for mark in ("[CLS]", "[SEP]")
            }
            for layer in layers
        },
        "idioms top-1 (200 of them) with every head": recall(reader, few)[0],
        "idioms top-1 (200 of them) without one head": ablations(reader, few, later),
        "characters asked for": {
            f"{kind}{' held out' if held_out else ''}": len(
                masked_one_by_one(samples(kind, held_out=held_out), reader.tokenizer)
            )
            for kind, held_out in todo
        },
    }
    return scores, reports


def nll_and_accuracy(reader: MaskFiller, texts: Sequence[str], rate: float, seed: int = SEED) -> tuple[float, float]:
    """Mean −log p and top-1 accuracy of masked tokens, all of them [MASK].

    Args:
        reader: the model.
        texts: strings.
        rate: the share that is masked, 0 to 1.
        seed: of what is masked.

    Returns:
        Nats, and a share from 0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import nll_and_accuracy
    >>> nll_and_accuracy(mf.load_pretrained("bert-mini"), ["画蛇添足"], 0.15)[1]
    1.0
    """
    generator = np.random.default_rng(seed)
    total, right, count = 0.0, 0, 0
    for start in range(0, len(texts), 64):
        batch = reader.tokenizer(list(texts[start : start + 64]), max_length=MAX_LENGTH)
        ids = to_numpy(batch.input_ids)
        masked = mask_tokens(
            ids, generator, rate=rate, special=(PAD, UNK, CLS, SEP, MASK), mask_id=MASK,
            vocab_size=reader.tokenizer.vocab_size, split=(1.0, 0.0, 0.0), at_least_one=True,
        )  # fmt: skip
        hidden = reader.model.bert(mx.array(masked.input_ids), attention_mask=batch.attention_mask).last_hidden_state
        places = np.flatnonzero(masked.predicted)
        picked = mx.take(hidden.reshape(-1, hidden.shape[-1]), mx.array(places.astype(np.int32)), axis=0)
        logits = to_numpy(
            reader.model.mlm_head(mx.expand_dims(picked, 0), reader.model.bert.embeddings.word_embeddings)
        )[0].astype(np.float64)
        labels = ids.reshape(-1)[places]
        peak = logits.max(-1, keepdims=True)
        log_sums = peak[:, 0] + np.log(np.exp(logits - peak).sum(-1))
        total += float((log_sums - logits[np.arange(len(labels)), labels]).sum())
        right += int((logits.argmax(-1) == labels).sum())
        count += len(labels)
    return total / count, right / count


def measure_rate(reader: MaskFiller, progress: Progress | None = None) -> tuple[dict[str, float], dict[str, Any]]:
    """The scores of a model of one masking rate, on held-out verses at one common rate, and a curve over rates.

    Args:
        reader: the model.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.masked.evaluation import measure_rate
    >>> scores, reports = measure_rate(mf.load_pretrained("mlm-rate-15"))  # doctest: +SKIP
    """
    texts = samples("book", held_out=True)
    scores: dict[str, float] = {}
    nll, accuracy = nll_and_accuracy(reader, texts, COMMON_RATE)
    scores["held-out-accuracy@15"], scores["held-out-nll@15"] = accuracy, nll
    curve = {}
    rates = (0.05, 0.15, 0.25, 0.4, 0.6, 0.8)
    for done, rate in enumerate(rates):
        nll, accuracy = nll_and_accuracy(reader, texts, rate)
        curve[f"{rate:.2f}"] = {"nll": round(nll, 4), "accuracy": round(accuracy, 4)}
        if progress is not None:
            progress((done + 1) / len(rates))
    return scores, {"held-out by the rate at which it is asked": curve}
