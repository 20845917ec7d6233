"""Many processes at once: `python -m tests.stress --processes 8 --rounds 20`; a short version is among the tests."""
