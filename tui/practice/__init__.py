"""Practice: a session without a screen."""
