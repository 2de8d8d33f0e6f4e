"""Decoder-only models: GPT-2, Llama, and what lies between."""
