"""The tasks, a file each: cases from one checked by hand to hostile ones, and the mistakes as functions that run.

Each file has ``TASK``. The formulas are plain NumPy in the dtype that they are given; their switches are the mistakes.
"""
