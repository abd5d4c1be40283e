"""Dyads, pairs and cities left out: by importance sampling, integrated, refitted."""
