"""Generation: from next-token logits to sequences."""
