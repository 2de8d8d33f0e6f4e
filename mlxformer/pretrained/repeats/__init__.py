"""``induction`` and its twin of one layer: attention alone, trained on stretches of signs that come twice."""
