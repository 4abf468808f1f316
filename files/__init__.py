"""Files: written so that a crash cannot halve them, read strictly (tensors, JSON, YAML); where data sets lie."""
