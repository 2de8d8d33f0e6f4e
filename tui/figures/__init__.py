"""Figures: their plain data (``data``), how each kind is drawn as text (``text``), and as files (``plain``, ``export``)."""
