"""Measurements of the program that are no tests: a machine's speed is not right or wrong."""
