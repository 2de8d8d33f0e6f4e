"""Makes the BERT golden data from torch and transformers: ``python -m tests.mlxformer.golden.make_bert``.

``bert/`` holds one random checkpoint with every head that there is (each class of ours takes its own and leaves the
others), what transformers computes from it, with two settings of the configuration, and what transformers'
tokenizer makes of some texts with a small vocabulary.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from mlxformer.checkpoints.folder import save_checkpoint
from tests.mlxformer.models.bert.reference import TINY, inputs, random_model, run

HERE = Path(__file__).parent / "bert"
SETTINGS: dict[str, dict[str, Any]] = {
    "gelu": {},
    "tanh-gelu": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
}
_VOCABULARY = """
    [PAD] [UNK] [CLS] [SEP] [MASK] the un ##aff ##able want ##want ##ed runn ##ing , low lowest cafe café The
    画 蛇 添 足 ##足 a ##b ! - '
"""
TOKENS = _VOCABULARY.split()
TEXTS = (
    "unaffable, WANTED!", "The running café", "画蛇添足 and 画蛇添[MASK]", "", "a\tab\u200b a-b   ##b",
    "naïve lowest's", "unwantedrunning " + "a" * 101, "[CLS] the [PAD]",
)  # fmt: skip
FLAGS = (
    {}, {"do_lower_case": False}, {"strip_accents": False}, {"do_lower_case": False, "strip_accents": True},
    {"tokenize_chinese_chars": False},
)  # fmt: skip


def expected(state: dict[str, torch.Tensor], config: dict[str, Any]) -> dict[str, np.ndarray]:
    """What transformers computes with these weights."""
    arrays = inputs()
    out: dict[str, np.ndarray] = dict(arrays)
    for architecture in (
        "BertModel",
        "BertForMaskedLM",
        "BertForNextSentencePrediction",
        "BertForSequenceClassification",
    ):
        model = random_model(architecture, **config)
        # The encoder's names have no prefix in BertModel.
        own = {name.removeprefix("bert.") if architecture == "BertModel" else name: x for name, x in state.items()}
        wanted = set(model.state_dict())
        model.load_state_dict({name: x for name, x in own.items() if name in wanted}, strict=False)
        model.tie_weights()
        if architecture == "BertModel":
            model.set_attn_implementation("eager")
            found = run(model, arrays, output_hidden_states=True, output_attentions=True)
            for index, hidden in enumerate(found.hidden_states):
                out[f"hidden_{index}"] = hidden.numpy()
            for index, weights in enumerate(found.attentions):
                out[f"weights_{index}"] = weights.numpy()
            out["pooler_output"] = found.pooler_output.numpy()
        else:
            out[architecture] = run(model, arrays).logits.numpy()
    return out


def make_state() -> dict[str, torch.Tensor]:
    """One set of tensors for all heads."""
    state = dict(random_model("BertForPreTraining", seed=1, num_labels=4).state_dict())
    classifier = random_model("BertForSequenceClassification", seed=2, num_labels=4)
    return state | {name: x for name, x in classifier.state_dict().items() if name.startswith("classifier.")}


def tokenized() -> list[dict[str, Any]]:
    """Ids and texts by transformers' tokenizer for each setting, single and in pairs."""
    rows = []
    for flags in FLAGS:
        vocabulary = {token: index for index, token in enumerate(TOKENS)}
        tokenizer = transformers.BertTokenizer(vocab=vocabulary, **flags)
        for text in TEXTS:
            single, pair = tokenizer(text), tokenizer(text, TEXTS[1])
            rows.append({
                "flags": flags, "text": text, "ids": single["input_ids"], "pair_ids": pair["input_ids"],
                "pair_types": pair["token_type_ids"],
                "decoded": tokenizer.decode(single["input_ids"], skip_special_tokens=True),
            })  # fmt: skip
    return rows


def main() -> None:
    torch.set_num_threads(1)
    state = make_state()
    config = transformers.BertConfig(**(TINY | {"num_labels": 4})).to_dict()
    # Tied copies are left in: some checkpoints have them.
    save_checkpoint(HERE, json.dumps(config, indent=2), {name: x.numpy() for name, x in state.items()})
    for name, changes in SETTINGS.items():
        np.savez_compressed(HERE / f"expected-{name}.npz", **expected(state, changes | {"num_labels": 4}))  # type: ignore[arg-type]
    (HERE / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
    text = json.dumps(tokenized(), ensure_ascii=False, indent=0)
    (HERE / "tokenized.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
