"""Training: losses, schedules and what is hidden from a model so that it learns to tell it."""
