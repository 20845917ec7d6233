"""What a model learns: one module for each kind, with its targets, loss and scores."""
