"""``dates``: a small Transformer that reads a date in English or Chinese and writes it as ISO 8601."""
