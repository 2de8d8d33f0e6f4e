"""ModernBERT: rotary positions, gated feed-forward networks, and attention to the neighbors in most layers."""
