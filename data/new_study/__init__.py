"""From files to a study folder: which column is what, and a `study.toml` that says so."""
