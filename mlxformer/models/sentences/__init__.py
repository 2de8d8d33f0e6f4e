"""Sentence-transformers folders: a vector for each text, and a score for each pair."""
