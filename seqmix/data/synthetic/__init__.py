"""Synthetic tasks: generated sequences with exactly defined labels. `tasks.py` lists them, each in a file of its own."""
