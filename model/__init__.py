"""What is composed from a spec: D and Q in one pass, the model, its walks and its card."""
