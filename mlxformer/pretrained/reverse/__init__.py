"""``reverse-gru``, ``reverse-gru-attention`` and ``reverse-transformer``: three ways to write a string backwards."""
