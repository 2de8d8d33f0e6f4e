"""Models: whole networks, from ids to logits or vectors; a family of checkpoints has a folder."""
