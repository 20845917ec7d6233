"""What is known of a data set before anything is trained: leaks, twins, classes, and what length or composition give away."""
