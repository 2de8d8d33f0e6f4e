"""Tokenization: text to ids and back, as the checkpoints' own files say."""
