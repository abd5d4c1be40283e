"""The linear predictor from parameters on their plain scale, and where its variance comes from."""
