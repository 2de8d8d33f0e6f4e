"""``bert-nsp`` and ``bert-sop``: twins that differ in what the negative pairs of their pre-training are, and in nothing
else."""
