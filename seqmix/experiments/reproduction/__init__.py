"""The published experiments: what they are, running them, and the page of results."""
