"""Masked language models that ship: ``bert-mini`` (Chinese and English) and four twins of one masking rate each."""
