"""Readers of sequence files, tables and published data sets; each yields entries."""
