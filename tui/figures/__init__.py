"""Figures: their plain data (``data``), drawn as text (``text``), and written to files (``plain``, ``export``)."""
