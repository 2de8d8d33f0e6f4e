"""Writing with an encoder-decoder of OPUS-MT's size, 32 tokens for sources of 24, beside transformers' ``generate``."""

from __future__ import annotations

from functools import partial

from benchmarks.row import Row, Sides
from benchmarks.timing import timed

SOURCE, WRITTEN = 24, 32


def _generate(batch: int, beams: int, with_peer: bool) -> Sides:
    import mlxformer as mf
    from benchmarks.models import ids, marian_folder, require_same
    from mlxformer.backend import mx

    model, given = mf.MarianModel.from_pretrained(marian_folder()), ids(batch, SOURCE)
    length = WRITTEN + 1  # with the start token; no sequence may end before, so that both do the same work

    def ours() -> mx.array:
        written = model.generate(mx.array(given), num_beams=beams, max_length=length, min_length=length)
        mx.eval(written)
        return written

    if not with_peer:
        return Sides(timed(ours))
    import torch
    import transformers

    other = transformers.MarianMTModel.from_pretrained(marian_folder()).eval()

    def peer() -> object:
        with torch.inference_mode():
            return other.generate(
                torch.tensor(given, dtype=torch.long), num_beams=beams, max_length=length, min_length=length,
                do_sample=False, bad_words_ids=[[other.config.pad_token_id]],  # as OPUS-MT's own files say, and ours
            ).numpy()  # fmt: skip

    require_same(ours(), peer(), most=0)
    return Sides(timed(ours), timed(peer))


ROWS = tuple(
    Row(f"generate-{'greedy' if beams == 1 else f'{beams}-beams'}-{batch}",
        f"generate, OPUS-MT size, batch {batch}, {'greedy' if beams == 1 else f'{beams} beams'}",
        aim, partial(_generate, batch, beams), "transformers' generate", needs=("torch", "transformers"))
    for batch, beams, aim in ((1, 1, 0.5), (8, 1, 0.75), (1, 4, 0.95), (8, 4, 0.7))
)  # fmt: skip
