"""Results from disk: opened, gathered, found."""
