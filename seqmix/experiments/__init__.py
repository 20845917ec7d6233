"""Many trainings for one table: comparisons and reproductions of published results."""
