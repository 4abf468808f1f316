"""The interfaces: latent priors and codes, networks, loss terms, data, and what every part is."""
