"""Makes the Marian golden data from torch and transformers: ``python -m tests.mlxformer.golden.make_marian``.

Three folders, each a checkpoint as transformers saves it and ``expected.npz``:

marian-shared, marian-separate   random models, one embedding and two; logits. Every parameter is drawn, biases and
    layer norms too (a bias left at zero or a norm left at one cannot be lost by mistake).
marian-reverse   a model trained for a minute; the tokens that ``generate`` finds. A random Marian repeats one token
    whatever the source, so it proves nothing of a search. This one has learned to reverse strings of which, at random,
    letters were dropped or doubled: outputs differ, end, and hypotheses of several lengths compete.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, MarianConfig, MarianMTModel

HERE = Path(__file__).parent
LETTERS = 20
EOS, UNK, FIRST = 0, 1, 2
PAD = FIRST + LETTERS
BEAMS = (1, 4)
PENALTIES = (0.6, 1.0, 2.0)
MAX_LENGTH = 20


def redraw(model: torch.nn.Module, scale: float = 0.2) -> None:
    """Every parameter N(0, scale²), layer norms' weights about 1."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embed_positions" not in name:
                parameter.copy_(scale * torch.randn(parameter.shape))
                if name.endswith("layer_norm.weight"):
                    parameter.add_(1)
        model.final_logits_bias.copy_(scale * torch.randn(model.final_logits_bias.shape))


def tiny(**changes: Any) -> MarianMTModel:
    sizes = {
        "vocab_size": 30, "decoder_vocab_size": 30, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2,
        "encoder_ffn_dim": 24, "decoder_ffn_dim": 32, "encoder_attention_heads": 4, "decoder_attention_heads": 2,
        "max_position_embeddings": 20, "activation_function": "swish", "scale_embedding": True, "pad_token_id": 25,
        "decoder_start_token_id": 25, "eos_token_id": 0, "forced_eos_token_id": 0, "init_std": 0.2,
        "attn_implementation": "eager",
    }  # fmt: skip
    return MarianMTModel(MarianConfig(**(sizes | changes))).eval()


def make_random(folder: str, **changes: Any) -> None:
    model = tiny(**changes)
    redraw(model)
    save(model, folder, **run(model, *inputs(model, seed=0)))


def inputs(model: MarianMTModel, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sources of four lengths, padded, and targets."""
    vocab, target_vocab = model.config.vocab_size, model.lm_head.out_features
    rng = np.random.default_rng(seed)
    source = rng.integers(0, vocab, (4, 9))
    source[source == 25] = 24
    for row, length in enumerate((9, 6, 1, 8)):
        source[row, length:] = 25
    return source, rng.integers(0, target_vocab, (4, 7))


def run(model: MarianMTModel, source: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """The encoder's output, the logits, and the weights of every cross-attention."""
    with torch.no_grad():
        out = model(
            input_ids=torch.tensor(source),
            attention_mask=torch.tensor(source != 25),
            decoder_input_ids=torch.tensor(target),
            output_attentions=True,
        )
    found = {"source": source, "target": target, "logits": out.logits, "memory": out.encoder_last_hidden_state}
    found |= {f"cross_{layer}": weights for layer, weights in enumerate(out.cross_attentions)}
    return {name: np.asarray(value) for name, value in found.items()}


def noisy_reversal(rng: np.random.Generator, letters: np.ndarray) -> list[int]:
    out: list[int] = []
    for letter in letters[::-1]:
        out += [int(letter)] * int(rng.choice([0, 1, 2], p=[0.27, 0.46, 0.27]))
    return [*out, EOS]


def batch(rng: np.random.Generator, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    sources = [rng.integers(FIRST, PAD, rng.integers(1, 11)) for _ in range(size)]
    targets = [noisy_reversal(rng, source) for source in sources]
    return padded([[*source, EOS] for source in sources]), padded(targets)


def padded(rows: list[Any]) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*map(int, row), *[PAD] * (width - len(row))] for row in rows])


def train(steps: int) -> MarianMTModel:
    size = PAD + 1
    model = tiny(
        vocab_size=size, decoder_vocab_size=size, d_model=32, encoder_ffn_dim=48, decoder_ffn_dim=48,
        encoder_attention_heads=2, decoder_attention_heads=4, max_position_embeddings=32, pad_token_id=PAD,
        decoder_start_token_id=PAD, dropout=0.0,
    )  # fmt: skip
    redraw(model, 0.1)
    model.train()
    rng = np.random.default_rng(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for step in range(steps):
        source, target = batch(rng, 96)
        inputs = torch.cat([torch.full((len(target), 1), PAD), target[:, :-1]], dim=1)
        logits = model(input_ids=source, attention_mask=source != PAD, decoder_input_ids=inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 0 or step == steps - 1:
            print(f"step {step}: loss {loss.item():.3f}", file=sys.stderr)
    with torch.no_grad():
        model.final_logits_bias.copy_(0.1 * torch.randn(model.final_logits_bias.shape))
    return model.eval()


def make_trained(folder: str, steps: int = 1200) -> None:
    model = train(steps)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=PAD, pad_token_id=PAD, eos_token_id=EOS, forced_eos_token_id=EOS,
        bad_words_ids=[[PAD], [UNK]], num_beams=3, max_length=MAX_LENGTH, length_penalty=1.5,
    )  # fmt: skip
    rng = np.random.default_rng(2)
    source, _ = batch(rng, 50)
    expected = {"source": source.numpy()}
    for beams in BEAMS:
        for penalty in PENALTIES:
            found = generate(model, source, num_beams=beams, length_penalty=penalty)
            expected[f"beams={beams} length_penalty={penalty}"] = found
    expected["defaults"] = generate(model, source)
    expected["early_stopping=True"] = generate(model, source, num_beams=4, early_stopping=True)
    expected["early_stopping=never"] = generate(model, source, num_beams=4, early_stopping="never")
    expected["renormalize_logits"] = generate(model, source, num_beams=4, renormalize_logits=True)
    expected["bad_words_ids"] = generate(model, source, num_beams=4, bad_words_ids=[[PAD], [5, 6], [7], [3, 3, 4]])
    expected["max_length=6"] = generate(model, source, num_beams=4, max_length=6)
    save(model, folder, **expected)
    report(expected)


def generate(model: MarianMTModel, source: torch.Tensor, **options: Any) -> np.ndarray:
    with torch.no_grad():
        return model.generate(source, attention_mask=source != PAD, **options).numpy()


def report(expected: dict[str, np.ndarray]) -> None:
    """What makes the data worth comparing with: variety, ends, and searches that disagree."""
    base = expected["beams=4 length_penalty=1.0"]
    print("distinct:", len({tuple(row) for row in base}), "of", len(base), file=sys.stderr)
    for name, found in expected.items():
        if name != "source":
            cut = int((found.shape[1] == MAX_LENGTH) and (found[:, -1] != PAD).sum())
            print(f"{name}: {different(found, base)} rows differ from beam search, {cut} cut", file=sys.stderr)


def different(one: np.ndarray, other: np.ndarray) -> int:
    width = max(one.shape[1], other.shape[1])
    wide = [np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=PAD) for rows in (one, other)]
    return int((wide[0] != wide[1]).any(axis=1).sum())


def save(model: MarianMTModel, folder: str, **arrays: np.ndarray) -> None:
    model.save_pretrained(HERE / folder)
    small = {name: x.astype(np.int32) if x.dtype == np.int64 else x for name, x in arrays.items()}
    np.savez_compressed(HERE / folder / "expected.npz", **small)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    make_random("marian-shared")
    make_random("marian-separate", decoder_vocab_size=27, share_encoder_decoder_embeddings=False)
    make_trained("marian-reverse")
