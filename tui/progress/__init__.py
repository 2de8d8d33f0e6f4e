"""What a person has answered, in one SQLite file, and when each question comes back (FSRS).

``file`` opens the file safely, ``schema`` says what is in it, ``store`` reads and writes it, ``schedule`` is FSRS,
``statistics`` counts, ``export`` writes what was kept for other programs. None of it imports NumPy or Textual.
"""
