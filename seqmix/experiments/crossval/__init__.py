"""Cross-validation: every record is predicted once, by a model that has not seen it or its relatives."""
