"""What makes answers trustworthy: calibrated probabilities, thresholds with a guarantee, and how unusual a record is.

All of it is fitted at the end of a training, on the validation split, and stored in the run folder: `calibration.json` and
`seen.json`.
"""
