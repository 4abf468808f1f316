"""How an installed plugin is found, and imported without disturbing the process."""
