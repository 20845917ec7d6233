"""Where labels, groups and splits of records are read from, and what is told about them."""
