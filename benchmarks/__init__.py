"""Measurements of the program and of its library that are no tests: a machine's speed is not right or wrong.

``python -m benchmarks`` measures the rows of ``benchmarks.rows``, most of them beside a peer that does the same, and
``python -m benchmarks.knobs`` the wait for each experiment.
"""
