"""One widget for each kind of figure, over the data of ``tui.figures.data``."""
