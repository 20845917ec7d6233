"""Training: settings, the loop, its state and its events."""
