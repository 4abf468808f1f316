"""The ideas: latents and codes, networks, loss terms, data, the spec, the fused D/Q pass, the model."""
