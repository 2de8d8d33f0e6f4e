"""Views of trained and real models: layers, heads, predictions, and generation as it happens."""
