"""Decoder-only models that write Tang poems by character: ``poet`` and its smaller twin."""
