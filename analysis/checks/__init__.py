"""Whether a model holds: replicated counts, network statistics, calibration ranks."""
