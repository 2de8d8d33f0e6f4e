"""BERT and ALBERT, as in Hugging Face's checkpoints."""
