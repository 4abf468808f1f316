"""What the benchmarks measure with: a clock, limits to compare with, and the plain steps to beat."""
