"""What fits say of the hypotheses of a study."""
