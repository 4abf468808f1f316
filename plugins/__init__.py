"""The built-in parts. Each module here is an ordinary plugin: the registry loads it, nothing imports it."""
