"""``mlx.optimizers``, as far as the closed list goes."""
