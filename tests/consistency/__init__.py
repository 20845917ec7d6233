"""Changed data sets and runs, made from a seed: they are used with the same answers, or refused with a `SeqmixError`."""
