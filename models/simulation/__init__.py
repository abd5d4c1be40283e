"""Studies with known truth, and calibration by them."""
