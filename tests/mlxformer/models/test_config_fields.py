"""Fields that transformers reads of any model's config.json: what they change is done or refused, never passed over."""

from __future__ import annotations

import json

import pytest

import mlxformer as mf
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.models.hub import ids, ours, redrawn, saved, torch_of

ENCODERS = {"bert": mf.BertConfig, "roberta": mf.RobertaConfig, "modernbert": mf.ModernBertConfig,
            "albert": mf.AlbertConfig}  # fmt: skip
DECODERS = {"gpt2": mf.GPTConfig, "llama": mf.GPTConfig}
BOTH = {"t5": mf.T5Config, "marian": mf.MarianConfig}


def read(kind, **fields):
    return (ENCODERS | DECODERS | BOTH)[kind].from_dict({"model_type": kind, **fields})


@pytest.mark.parametrize("kind", ENCODERS | DECODERS | BOTH)
def test_which_way_attention_looks_is_not_passed_over(kind):
    """transformers turns any model's mask round by ``is_causal``: a T5's encoder or its decoder."""
    wrong = {True, False} - {kind in DECODERS} if kind not in BOTH else {True, False}
    for value in wrong:
        with pytest.raises(ArgumentError, match="is_causal") as error:
            read(kind, is_causal=value)
        assert error.value.code == "not-implemented"
    for value in {True, False, None} - wrong:
        assert read(kind, is_causal=value) == read(kind)


def test_angles_by_kind_of_layer_are_of_a_model_that_has_kinds():
    with pytest.raises(ArgumentError, match="tells kinds of layers apart") as error:
        read("llama", rope_parameters={"full_attention": {"rope_theta": 77.0}, "sliding_attention": {}})
    assert error.value.code == "rope-fields"
    assert read("llama", rope_parameters={"full_attention": {"rope_theta": 77.0}}).rope_base == 77.0
    assert read("modernbert", rope_parameters={"full_attention": {"rope_theta": 77.0}}).global_rope[0] == 77.0


def test_a_modernbert_window_by_its_other_name(tmp_path):
    library = pytest.importorskip("transformers")
    ends = dict.fromkeys(("pad_token_id", "cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id"), 0)
    config = library.ModernBertConfig(vocab_size=30, hidden_size=8, intermediate_size=8, num_hidden_layers=2,
                                      num_attention_heads=2, local_attention=12, **ends)  # fmt: skip
    saved(redrawn(library.ModernBertModel(config)), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sliding_window": 2}))
    model, tokens = mf.ModernBertModel.from_pretrained(tmp_path), ids(1, 15, size=30)
    assert model.config.local_attention == 4
    theirs = library.ModernBertModel.from_pretrained(tmp_path).eval()
    assert_close(model(ours(tokens)).last_hidden_state, theirs(torch_of(tokens)).last_hidden_state, 3e-5)
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ArgumentError, match="sliding_window"):
            read("modernbert", sliding_window=wrong)
