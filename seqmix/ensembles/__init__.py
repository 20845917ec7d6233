"""Ensembles: several runs that answer together."""
