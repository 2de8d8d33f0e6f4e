"""Language: every word that the program says, in Chinese and English."""
