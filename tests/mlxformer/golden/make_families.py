"""Makes the golden data of GPT-2, Llama, T5, Flan-T5, ModernBERT, RoBERTa and ALBERT from torch and transformers.

``python -m tests.mlxformer.golden.make_families`` writes a folder for each into ``families/``: a tiny random model as
transformers saves it, with no number left at its default, and what transformers computes from it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from tests.mlxformer.models.hub import ids, left_padded, redrawn, torch_of

HERE = Path(__file__).parent / "families"
V, EOS, PAD = 23, 1, 22
SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beams": {"num_beams": 3, "length_penalty": 0.7},
    "rules": {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "min_length": 8},
}


def gpt2() -> Any:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=V, n_positions=32, n_embd=12, n_layer=2, n_head=3, n_inner=17, layer_norm_epsilon=0.03,
        eos_token_id=EOS, bos_token_id=2, pad_token_id=PAD,
    ))  # fmt: skip


def llama() -> Any:
    rope = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16, "rope_theta": 50.0}  # fmt: skip
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=V, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=2, head_dim=4, rms_norm_eps=0.03, eos_token_id=EOS, bos_token_id=2, pad_token_id=PAD,
        max_position_embeddings=64, attention_bias=True, mlp_bias=True, rope_parameters=rope,
    ))  # fmt: skip


def t5(**changes: Any) -> Any:
    return transformers.T5ForConditionalGeneration(transformers.T5Config(
        vocab_size=V, d_model=12, d_kv=5, d_ff=20, num_layers=2, num_decoder_layers=2, num_heads=3,
        relative_attention_num_buckets=8, relative_attention_max_distance=9, layer_norm_epsilon=0.03,
        decoder_start_token_id=PAD, pad_token_id=PAD, eos_token_id=EOS, **changes,
    ))  # fmt: skip


def modernbert() -> Any:
    ropes = {"full_attention": {"rope_type": "default", "rope_theta": 50.0},
             "sliding_attention": {"rope_type": "default", "rope_theta": 7.0}}  # fmt: skip
    return transformers.ModernBertModel(transformers.ModernBertConfig(
        vocab_size=V, hidden_size=12, intermediate_size=10, num_hidden_layers=4, num_attention_heads=3,
        local_attention=6, norm_eps=0.03, norm_bias=True, attention_bias=True, mlp_bias=True, pad_token_id=PAD,
        bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, rope_parameters=ropes,
        attn_implementation="eager",
    ))  # fmt: skip


def roberta() -> Any:
    return transformers.RobertaModel(transformers.RobertaConfig(
        vocab_size=V, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=17,
        max_position_embeddings=40, type_vocab_size=2, layer_norm_eps=0.03, pad_token_id=2,
    ))  # fmt: skip


def albert() -> Any:
    return transformers.AlbertModel(transformers.AlbertConfig(
        vocab_size=V, embedding_size=6, hidden_size=12, num_hidden_layers=4, num_hidden_groups=2,
        num_attention_heads=3, intermediate_size=17, max_position_embeddings=40, layer_norm_eps=0.03, pad_token_id=PAD,
    ))  # fmt: skip


FAMILIES: dict[str, Callable[[], Any]] = {
    "gpt2": gpt2,
    "llama": llama,
    "t5": t5,
    "flan-t5": lambda: t5(feed_forward_proj="gated-gelu", scale_decoder_outputs=False),
    "modernbert": modernbert,
    "roberta": roberta,
    "albert": albert,
}


def expected(model: Any) -> dict[str, np.ndarray]:
    """What transformers computes: logits and what each of ``SEARCHES`` finds, or hidden states."""
    pad = model.config.pad_token_id
    tokens, mask = left_padded(3, 9, PAD, pad)
    found = {"input_ids": tokens, "attention_mask": mask}
    asked = {"attention_mask": torch_of(mask)}
    with torch.no_grad():
        if isinstance(model, transformers.T5ForConditionalGeneration):
            target = ids(3, 6, size=PAD, seed=1)
            found["target_ids"] = target
            found["logits"] = model(torch_of(tokens), decoder_input_ids=torch_of(target), **asked).logits.numpy()
        elif hasattr(model, "generate") and model.can_generate():
            if model.config.model_type == "gpt2":  # which by itself counts padding as positions; its generate does not
                asked["position_ids"] = torch_of(np.maximum(np.cumsum(mask, axis=1) - 1, 0))
            found["logits"] = model(torch_of(tokens), **asked).logits.numpy()
        else:
            out = model(torch_of(tokens), **asked)
            return found | {"hidden": out.last_hidden_state.numpy()}
        for name, options in SEARCHES.items():
            ids_found = model.generate(
                torch_of(tokens), attention_mask=torch_of(mask), do_sample=False, max_new_tokens=8, use_cache=False,
                **options,
            )  # fmt: skip
            found[f"tokens_{name}"] = ids_found.numpy().astype(np.int32)
    return found


def main() -> None:
    torch.set_num_threads(1)
    for name, make in FAMILIES.items():
        model = redrawn(make(), 0.5)
        model.save_pretrained(HERE / name)
        np.savez_compressed(HERE / name / "expected.npz", **expected(model))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
