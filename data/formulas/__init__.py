"""What formulas may say, and the design matrices that they give."""
