"""Batched prediction: the forward loop, `predict`, and writing its results."""
