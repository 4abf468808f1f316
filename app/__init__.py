"""The faces: command line, live display, pictures."""
