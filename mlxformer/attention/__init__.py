"""Attention: the function, its masks, caches and module, and its other forms."""
