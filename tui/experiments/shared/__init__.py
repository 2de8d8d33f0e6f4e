"""What many experiments share; what fewer than five need stands with the first of them.

Builders, which need no NumPy: ``knobs`` and ``made`` for declarations, ``sentence`` for the tokens of a typed sentence;
and ``random_weights`` for the weights and vectors of a body. Seams at which a body is measured: ``reported_trace``,
which can be cancelled at every tap, and ``kept``, by which a number is not computed twice.
"""
