"""T5 and Flan-T5: the encoder-decoder with relative positions and no biases."""
