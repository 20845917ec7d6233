"""Evaluation on a held-out split, with baselines and a report."""
