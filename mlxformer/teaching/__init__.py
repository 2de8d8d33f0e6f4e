"""Teaching: what one experiment shows and no model needs, wrong recipes among it."""
