"""What the bodies of several experiments share. It needs NumPy and mlxformer, so only bodies import it."""
