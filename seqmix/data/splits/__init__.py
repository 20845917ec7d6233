"""Splits: what names, columns and marks tell of them, and how records are divided."""
