"""The experiments, each a folder with a ``declaration`` (its knobs and claims) and a ``body`` (which runs them).

Loose here is what all of them live by: ``contract`` says what an experiment is, ``catalogue`` which there are,
``compute`` runs one in a thread, ``falsify`` breaks one to see its checks fail. ``shared`` is what several of them use.
"""
