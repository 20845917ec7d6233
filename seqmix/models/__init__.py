"""The classifier, its blocks, and what makes it fast."""
