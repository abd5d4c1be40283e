"""Likelihood and linear predictor as single operations, compiled by numba, and in JAX."""
