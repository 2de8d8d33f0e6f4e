"""Views of models: what each holds, against an independent way to the same number; and what cannot be looked at."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.contract import Cancelled, KnobError, Report
from tui.experiments.look import passes
from tui.experiments.look import subject as opening
from tui.experiments.look.experiment import Looked, looking, writing
from tui.experiments.look.figures import MEASURE_TITLES, Pair
from tui.experiments.look.measures import MEASURES
from tui.experiments.look.names import shipped_names, text_for
from tui.experiments.look.off import parse_off
from tui.experiments.look.passes import head_effects, passed
from tui.experiments.look.plain import looked_as_data, written_as_data
from tui.experiments.look.subject import open_subject
from tui.figures.data import Bars, Heatmap, Links, Table, Tokens
from tui.figures.heatmap import Picture
from tui.figures.plain import strict
from tui.language.usage import UsageError

KEYS = [
    "model", "kind", "backend", "text", "tokens", "target", "written", "parts", "layers", "heads", "part", "layer",
    "head", "off", "predictions", "lens", "views", "compared",
]  # fmt: skip
TEXT = "画蛇添[MASK]"


def silent(fraction: float, text: str) -> None:
    """Nobody wants to know."""


def look(name: str, report: Report = silent, **knobs: Any) -> Looked:
    return looking(name).look(knobs, report)


@pytest.fixture(scope="module")
def gpt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT of random weights, of more rows than its tokenizer has words, whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, models
    from tokenizers.pre_tokenizers import ByteLevel

    folder = tmp_path_factory.mktemp("gpt")
    mx.random.seed(0)
    mf.GPT(mf.GPTConfig(300, dims=16, num_heads=4, num_layers=2, num_kv_heads=None)).save_pretrained(folder)
    words = [*sorted(ByteLevel.alphabet()), "Ġa", "<end>"]
    library = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=[("Ġ", "a")]))
    library.pre_tokenizer, library.decoder = ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    library.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<end>"}))
    return folder


@pytest.mark.parametrize("name", shipped_names())
def test_every_model_that_ships_can_be_looked_at(name: str) -> None:
    experiment = looking(name)
    result = experiment.run({})
    assert result.figures
    seen = experiment.look({}, silent).seen
    for attention in seen.subject.attentions:
        rows, columns = seen.labels(attention)
        weights = seen.maps[attention.name]["weights"]
        assert weights.shape == (attention.heads, len(rows), len(columns))
        np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-5)
    plain = json.loads(json.dumps(strict(looked_as_data(experiment.look({}, silent), "numpy"))[0], allow_nan=False))
    assert list(plain) == KEYS


def test_first_comes_the_cross_attention_of_dates_on_a_chinese_date() -> None:
    assert shipped_names()[0] == "dates"
    figure = looking("dates").run({}).figures[0]
    assert isinstance(figure, Links) and figure.title.zh.startswith("连线（越粗权重越大）：交叉注意力，头 cross.1.0")
    assert "".join(figure.columns) == "二〇二六年十一月二十三日[EOS]" and "".join(figure.rows) == "2026-11-23[EOS]"
    peaks = figure.values.argmax(-1).tolist()
    assert [figure.columns[peaks[place]] for place in (2, 3, 6, 8, 9)] == ["二", "六", "一", "二", "三"]


def test_the_weights_are_those_of_a_trace() -> None:
    seen = look("bert-mini", text=TEXT).seen
    shipped = mf.load_pretrained("bert-mini")
    with mf.trace() as steps:
        logits = shipped.logits(shipped.encode(TEXT))
    for layer in range(4):
        traced = steps[f"bert.encoder.layers.{layer}.self_attention.weights"].value[0]
        np.testing.assert_array_equal(seen.maps[str(layer)]["weights"], traced)
    assert seen.place == 4 and seen.logits is not None
    np.testing.assert_allclose(seen.logits, to_numpy(logits)[0], atol=1e-4)
    filled = shipped.fill(TEXT, k=1)[0]
    chances = seen.probabilities(4)
    assert seen.subject.words([int(chances.argmax())]) == (filled[0],)
    assert chances.max() == pytest.approx(filled[1], abs=1e-4)
    assert seen.lens(4)[-1] == pytest.approx(chances, abs=1e-5)


@pytest.mark.parametrize("name", ["mlm-rate-15", "dates", "reverse-transformer"])
def test_a_pair_adds_up_to_its_score(name: str) -> None:
    for knobs in ({}, {"layer": 0, "head": 2, "token": 3, "key": 1}):
        looked = look(name, **knobs)
        assert looked.shown is not None
        shown, pair = looked.shown, Pair.of(looked.seen, looked.shown)
        width = len(pair.query)
        assert pair.products[shown.key] == pytest.approx(pair.query * pair.key)
        assert pair.products[shown.key].sum() / math.sqrt(width) == pytest.approx(pair.scaled, abs=1e-4)
        scores = pair.products.sum(-1) / math.sqrt(width)
        softmax = np.exp(scores - scores.max())
        assert softmax[shown.key] / softmax.sum() == pytest.approx(pair.weight, abs=1e-5)


@pytest.mark.parametrize(("name", "place"), [("mlm-rate-15", 4), ("dates", 2), ("dates", None)])
def test_each_heads_effect_is_what_comes_without_it(name: str, place: int | None) -> None:
    text = "the old man [MASK] down" if name == "mlm-rate-15" else "2026年11月23日"
    whole = look(name, text=text).seen
    effects = head_effects(whole, place)
    assert effects is not None and whole.logits is not None
    places = range(len(whole.rows)) if place is None else [place]
    for row, attention in list(enumerate(whole.subject.attentions))[::2]:
        head = attention.heads - 1
        without = passed(
            whole.subject, text, parse_off(f"{attention.name}.{head}", whole.subject, "self"), None, silent
        )
        changes = [
            without.probabilities(at)[whole.probabilities(at).argmax()] - whole.probabilities(at).max() for at in places
        ]
        assert effects[row, head] == pytest.approx(np.mean(changes), abs=2e-5)


def test_a_head_that_matters_is_seen_to_matter() -> None:
    table = next(figure for figure in looking("bert-mini").run({"off": "1.3"}).figures if figure.name == "off")
    assert isinstance(table, Table)
    token, before, after, change = table.rows[0]
    assert token == "月" and before > 0.95 and change < -0.4 and change == pytest.approx(after - before)


def test_what_a_pair_writes_without_a_part_is_written_anew() -> None:
    looked = look("dates", text="11月23日, 2026", off="cross.1 encoder.0.1")
    assert looked.seen.off == ("cross.1", "encoder.0.1") and looked.whole is not None
    reader = mf.load_pretrained("dates")
    assert looked.whole.rewritten == reader("11月23日, 2026") != looked.seen.rewritten
    strips = next(figure for figure in looking("dates").figures_of(looked) if figure.name == "rewritten")
    assert isinstance(strips, Tokens) and len(strips.strips) == 2


def test_two_texts_are_compared_head_by_head() -> None:
    texts = {"text": "床前明[MASK]光", "other": "画蛇添[MASK]"}
    looked = look("bert-mini", **texts)
    figure = next(each for each in looking("bert-mini").figures_of(looked) if each.name == "difference")
    assert isinstance(figure, Heatmap) and looked.other is not None
    for stage in figure.stages:
        measure = MEASURES[stage.name]
        both = [measure(each.maps["2"]["weights"]) for each in (looked.seen, looked.other)]
        assert np.array(stage.values[0][2]) == pytest.approx(both[1] - both[0])
    data = looked_as_data(looked, "numpy")
    assert data["compared"]["tokens"] == ["[CLS]", "画", "蛇", "添", "[MASK]", "[SEP]"]
    assert data["compared"]["predictions"]["top"][0]["token"] == "足"


def test_what_is_not_defined_is_said_in_words() -> None:
    """Of cross-attention no distance: in the model's heads in a number, in two texts' difference, against a pin."""
    looked = look("dates", other="Nov 23, 2026")
    read = 0
    for figure in looking("dates").figures_of(looked):
        if not isinstance(figure, Heatmap):
            continue
        picture = Picture(figure)
        for pinned in (None, replace(figure)):
            picture.pin(pinned)
            for stage, row, column in itertools.product(range(len(figure.stages)), range(len(figure.rows)), (0, 1)):
                picture.stage_index = stage
                for language, word in (("zh", "不适用"), ("en", "not defined here")):
                    said = picture.explain(row, column, language)
                    assert "NaN" not in said
                    read += f"{MEASURE_TITLES['distance'].say(language)} {word}" in said
    assert read


def test_the_measures_of_heads_by_hand() -> None:
    weights = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.25, 0.75], [0.0, 1.0]]])
    found = {name: measure(weights).tolist() for name, measure in MEASURES.items()}
    assert found["peak"] == [0.75, 0.875] and found["first"] == [0.75, 0.125]
    assert found["distance"] == [0.25, 0.375]
    quarter = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    assert found["entropy"] == pytest.approx([0.5, quarter / 2])


# --- folders -----------------------------------------------------------------------------------------------------


def test_a_gpt_folder_is_read_as_bytes_and_predicts_what_follows(gpt_folder: Path) -> None:
    looked = look(str(gpt_folder), text="Hi a 猫")
    seen = looked.seen
    assert seen.subject.kind == "decoder" and seen.text.tokens[:3] == ("H", "i", "▁a")
    assert seen.place == len(seen.text.tokens) - 1
    assert seen.subject.words([299, 0]) == ("<299>", "!")  # a row of the matrix that is no word
    assert np.triu(seen.maps["1"]["weights"], 1).max() == 0
    made = writing(str(gpt_folder)).write({"text": "Hi", "temperature": 0, "length": 3}, silent)
    model = seen.subject.model
    assert made.ids.tolist() == model.generate(mx.array([[39, 72]]), max_new_tokens=3)[0, 2:].tolist()


def test_a_roberta_folder_fills_its_own_mask(tmp_path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    mx.random.seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    model = mf.RobertaForMaskedLM(mf.RobertaConfig(vocab_size=7, max_position_embeddings=20, **sizes))
    model.save_pretrained(tmp_path)
    words = {"<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "cat": 4, "sat": 5}
    library = Tokenizer(models.WordLevel(words, unk_token="a"))
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    library.add_special_tokens([AddedToken("<mask>")])
    library.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"mask_token": "<mask>", "pad_token": "<pad>"}))
    looked = look(str(tmp_path), text="a [MASK] sat")
    seen = looked.seen
    assert seen.subject.kind == "masked-lm" and seen.text.tokens == ("a", "<mask>", "sat") and seen.place == 1
    model.eval()
    assert seen.logits == pytest.approx(to_numpy(model(mx.array([[3, 6, 5]])).logits)[0], abs=1e-4)
    assert seen.lens(1)[-1] == pytest.approx(seen.probabilities(1), abs=1e-6)


def test_a_folder_that_does_not_fit_says_what_it_would_take(gpt_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening.open_subject.cache_clear()
    numbers = mf.count_parameters(mf.GPTConfig(300, dims=16, num_heads=4, num_layers=2))
    monkeypatch.setattr(opening, "free_memory", lambda: 4 * numbers - 1)
    with pytest.raises(UsageError) as raised:
        looking(str(gpt_folder))
    assert raised.value.code == "model-too-large" and raised.value.fields["parameters"] == numbers
    monkeypatch.setattr(opening, "free_memory", lambda: 4 * numbers)
    assert looking(str(gpt_folder)).subject is not None


def test_the_free_memory_of_this_machine_is_known() -> None:
    assert (opening.free_memory() or 0) > 10**6


@pytest.mark.parametrize(("name", "nearest"), [("dats", "dates"), ("bert_mini", "bert-mini"), ("字" * 3000, None)])
def test_an_unknown_name_is_said_with_the_nearest(name: str, nearest: str | None) -> None:
    with pytest.raises(UsageError) as raised:
        looking(name)
    assert raised.value.code == "unknown-model" and raised.value.fields["nearest"] == nearest


def test_layers_that_are_one_are_refused(tmp_path: Path) -> None:
    sizes = {"embedding_size": 8, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    mf.AlbertModel(mf.AlbertConfig(vocab_size=6, num_hidden_layers=2, **sizes)).save_pretrained(tmp_path)
    mf.load_pretrained("bert-mini").tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="is an ALBERT"):
        looking(str(tmp_path))


@pytest.mark.parametrize("config", ['{"model_type": "bert"', '{"model_type": "mamba"}', "[]", "{}"])
def test_a_broken_folder_is_a_clear_error(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(mf.CheckpointError):
        looking(str(tmp_path))


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  \t\u3000 "])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="nothing to look at"):
        look("bert-mini", text=text)


@pytest.mark.parametrize("text", ["🙂👩‍👩‍👧", "a 混合 текст ไทย العربية", "\u200b e\u0301 [b]x[/b] \x1b[31m"])
def test_any_script_is_read(text: str) -> None:
    looked = look("mlm-rate-15", text=text)
    assert looked.seen.text.tokens[0] == "[CLS]" and looking("mlm-rate-15").figures_of(looked)


def test_two_thousand_characters_are_refused_by_the_model_and_more_by_the_knob() -> None:
    with pytest.raises(mf.ArgumentError, match="2002 tokens"):
        look("bert-mini", text="字" * 2000)
    with pytest.raises(KnobError):
        look("bert-mini", text="字" * 2001)


def test_a_text_whose_maps_would_fill_the_memory_says_how_long_one_may_be(gpt_folder: Path) -> None:
    with pytest.raises(UsageError) as raised:
        look(str(gpt_folder), text="字" * 2000)  # 8 heads of 6,000 × 6,000
    assert raised.value.code == "look-too-long" and raised.value.fields["most"] < 6000


@pytest.mark.parametrize(
    ("off", "code"),
    [
        ("9.0", "look-no-layer"),
        ("0.9", "look-no-head"),
        ("x", "look-off-form"),
        ("cross.0", "look-off-form"),
        ("1.2.3", "look-off-form"),
    ],
)
def test_what_cannot_be_switched_off_is_refused(off: str, code: str) -> None:
    with pytest.raises(UsageError) as raised:
        look("bert-mini", off=off)
    assert raised.value.code == code


def test_several_are_switched_off_each_once() -> None:
    subject = open_subject("dates")
    assert [each.name for each in parse_off("1.0, 1.0 decoder.1；cross.0", subject, "cross")] == [
        "cross.1.0", "decoder.1", "cross.0",
    ]  # fmt: skip


def test_a_pass_can_be_stopped() -> None:
    def stop(fraction: float, text: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        look("bert-mini", stop, text="停在这里[MASK]")


def test_a_pass_that_was_made_is_not_made_again() -> None:
    subject = open_subject("bert-mini")
    shown = subject.attentions[0]
    assert passed(subject, TEXT, (), shown, silent) is passed(subject, TEXT, (), shown, silent)


def test_passes_of_long_texts_push_out_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = open_subject("mlm-rate-15")
    shown, texts = subject.attentions[0], ["the old [MASK]", "the man [MASK]", "the day [MASK]"]
    cells = 3 * 3 * 5 * 5  # of three layers of three heads, [CLS] and [SEP] with them
    monkeypatch.setattr(passes, "MOST_CELLS", 2 * cells)
    first = passed(subject, texts[0], (), shown, silent)
    second = passed(subject, texts[1], (), shown, silent)
    assert passed(subject, texts[0], (), shown, silent) is first
    passed(subject, texts[2], (), shown, silent)
    assert passed(subject, texts[1], (), shown, silent) is second
    assert passed(subject, texts[0], (), shown, silent) is not first


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rules", [{"temperature": 0}, {"temperature": 1.5, "top_k": 5, "top_p": 0.9, "seed": 7}, {"beams": 3}]
)
@pytest.mark.parametrize("name", ["dates", "reverse-gru"])
def test_every_step_is_in_the_figures_and_in_the_json(name: str, rules: dict[str, Any]) -> None:
    text = "11月23日" if name == "dates" else "step"
    experiment = writing(name)
    made = experiment.write({"text": text, **rules}, silent)
    data = json.loads(json.dumps(strict(written_as_data(made, "numpy"))[0], allow_nan=False))
    steps = data["generation"]["steps"]
    assert [step["token"] for step in steps] == data["generation"]["tokens"]
    own = sum(math.log(step["probability"]) for step in steps)
    length = len(steps) if rules.get("beams") else 1  # beam search divides by it
    assert own / length == pytest.approx(data["generation"]["score"], abs=1e-4)
    for step in range(len(made.ids) + 1):
        figures = experiment.run({"text": text, "step": step, **rules}).figures
        strips = next(figure for figure in figures if figure.name == "writing")
        assert isinstance(strips, Tokens) and len(strips.strips[1].tokens) == step
        if step < len(made.ids):
            chances = figures[0]
            assert isinstance(chances, Bars) and f"{made.tokens[step]} ✓" in chances.labels
            assert sum(chances.values) == pytest.approx(1.0, abs=0.05)
    assert data["generation"]["text"] == made.said


def test_dates_written_greedily_is_what_its_reader_says() -> None:
    made = writing("dates").write({"text": "23rd of November, 2026", "temperature": 0}, silent)
    assert made.said == "2026-11-23"


def test_a_model_that_only_encodes_does_not_write() -> None:
    with pytest.raises(UsageError, match="does not write"):
        writing("bert-mini")


def test_each_kind_has_a_text_in_both_languages() -> None:
    for kind in ("masked-lm", "encoder", "decoder", "encoder-decoder"):
        text = text_for("/a/folder", kind)
        assert text.zh and text.en
    assert text_for("dates", "encoder-decoder").zh == "二〇二六年十一月二十三日"
