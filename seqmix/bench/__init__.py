"""Measurements of the mixers: time and memory over the length, and how well they approximate attention."""
