"""Marian: the post-norm encoder-decoder of OPUS-MT's checkpoints."""
