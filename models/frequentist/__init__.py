"""Maximum likelihood for pooled models: the paper's own analysis, with honest standard errors."""
