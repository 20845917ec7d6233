"""Error over sequence length on generated tasks."""
