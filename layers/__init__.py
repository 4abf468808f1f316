"""What networks of plugins are built from: first weights, spectral norm, the sizes of their levels."""
