"""What several experiments share: ``knobs`` and ``made`` for declarations, and for bodies all the rest.

``afresh``, ``knobs``, ``made`` and ``sentence`` need no NumPy; ``kept``, ``random_weights``, ``reference`` and
``reported_trace`` need it and mlxformer, so only bodies import them.
"""
