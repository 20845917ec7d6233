"""scikit-learn estimators: `fit` and `predict` on sequences in memory."""
