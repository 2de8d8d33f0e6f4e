"""Code written by hand, judged: the process that runs it, the cases, and the mistakes known by their numbers."""
