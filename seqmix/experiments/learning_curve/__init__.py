"""Learning curves: how a score grows with the number of training records."""
