"""Prior sets: one prior, sets of them in files, and the log density of draws under a set."""
