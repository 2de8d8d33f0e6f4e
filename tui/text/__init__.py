"""Text: plain strings measured and broken as a terminal shows them."""
