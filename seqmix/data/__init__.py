"""From files to data sets: reading, labels, splits, and the folder that `prepare` writes."""
