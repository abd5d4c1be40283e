"""Sentences that stand in several places."""

from collections.abc import Sequence


def synthetic_sentence(columns: Sequence[str]) -> str:
    """Say which data are simulated.

    Returns
    -------
    str
        Two sentences; empty where nothing is simulated.
    """
    if not columns:
        return ""
    verb = "is" if len(columns) == 1 else "are"
    return (
        f"Synthetic data: {', '.join(columns)} {verb} simulated, not observed. "
        "Nothing here is a finding about the world."
    )


def listed(words: Sequence[str]) -> str:
    """Name several things: a, b and c."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last
