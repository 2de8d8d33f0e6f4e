"""Proof: a question's run, the numbers in its texts and what they are held against."""
