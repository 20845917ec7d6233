"""Damaged inputs, made from a seed: whatever is in a file, reading it ends with records or with a `SeqmixError`."""
