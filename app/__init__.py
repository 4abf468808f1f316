"""The command line, its live display, and the pictures it draws."""
