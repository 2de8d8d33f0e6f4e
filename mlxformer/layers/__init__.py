"""Layers: what a stack repeats, and the stacks themselves."""
