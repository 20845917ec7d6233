"""Several mixers on one data set."""
