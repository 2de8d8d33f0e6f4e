"""Whose rounding it is: ours and transformers' float32 against transformers' own code run in float64.

Two right programs in float32 differ by what both round. Neither is the measure of the other: float64 is of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import to_numpy
from tests.mlxformer.models.hub import ids, ours, redrawn, saved, torch_of

V, LENGTH = 60, 30
BERT: dict[str, Any] = {
    "vocab_size": V, "hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 4, "num_hidden_layers": 3,
    "max_position_embeddings": 48,
}  # fmt: skip
T5: dict[str, Any] = {"vocab_size": V, "d_model": 32, "d_kv": 10, "d_ff": 40, "num_layers": 2, "num_heads": 4}
ENDS = dict.fromkeys(("pad_token_id", "cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id"), 0)
CASES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "t5": ("T5ForConditionalGeneration", "T5Config", "T5Model", T5),
    "flan-t5": ("T5ForConditionalGeneration", "T5Config", "T5Model",
                T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
    "modernbert": ("ModernBertForMaskedLM", "ModernBertConfig", "ModernBertForMaskedLM",
                   BERT | ENDS | {"local_attention": 6}),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", "GPT", {"vocab_size": V, "n_embd": 32, "n_head": 4, "n_layer": 3}),
    "llama": ("LlamaForCausalLM", "LlamaConfig", "GPT", BERT | {"num_key_value_heads": 2}),
    "bert": ("BertForMaskedLM", "BertConfig", "BertForMaskedLM", BERT),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", "RobertaForMaskedLM", BERT | {"pad_token_id": 1}),
}  # fmt: skip


@contextmanager
def float64_throughout() -> Iterator[None]:
    """Where transformers asks for float32 in any model (norms, angles, softmax) it gets float64."""
    import torch

    cast, softmax = torch.Tensor.to, torch.nn.functional.softmax

    def to(self: Any, *args: Any, **named: Any) -> Any:
        wider = {torch.float32: torch.float64}
        is_dtype = lambda value: isinstance(value, torch.dtype)  # noqa: E731
        changed = [wider.get(value, value) if is_dtype(value) else value for value in args]
        return cast(self, *changed, **{k: wider.get(v, v) if is_dtype(v) else v for k, v in named.items()})

    with pytest.MonkeyPatch.context() as change:
        change.setattr(torch.Tensor, "to", to)
        change.setattr(torch.Tensor, "float", torch.Tensor.double)
        change.setattr(torch.nn.functional, "softmax", lambda x, *args, dtype=None, **named: softmax(x, *args, **named))
        yield


def error(found: Any, exact: np.ndarray) -> float:
    return float(np.sqrt(np.mean((np.asarray(found, np.float64) - exact) ** 2)))


@pytest.mark.parametrize("name", CASES)
def test_ours_is_as_near_to_float64_as_transformers_is(name: str, tmp_path: Any) -> None:
    library = pytest.importorskip("transformers")
    theirs_name, config, ours_name, settings = CASES[name]
    theirs = redrawn(getattr(library, theirs_name)(getattr(library, config)(**settings)), 0.2)
    model = getattr(mf, ours_name).from_pretrained(saved(theirs, tmp_path))
    tokens, target = ids(2, LENGTH, size=V), ids(2, 12, size=V, seed=1)
    run: Callable[[Any], Any] = lambda net: net(torch_of(tokens)).logits  # noqa: E731
    found: Any = None
    if "t5" in name:
        run = lambda net: net(input_ids=torch_of(tokens), decoder_input_ids=torch_of(target)).logits  # noqa: E731
        found = model(ours(tokens), ours(target))
    else:
        found = model(ours(tokens))
    rounded = run(theirs).detach().numpy()
    with float64_throughout():
        exact = run(theirs.double()).detach().numpy()
    assert exact.dtype == np.float64
    mine, yours = error(to_numpy(getattr(found, "logits", found)), exact), error(rounded, exact)
    size = float(np.sqrt(np.mean(exact**2)))
    print(f"{mf.backend.name} {name}: of logits ±{size:.2g} ours is {mine:.1e} from float64, transformers' {yours:.1e}")
    assert mine <= 2 * yours + 1e-7 * size
