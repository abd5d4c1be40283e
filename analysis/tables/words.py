"""Sentences that stand in several places."""

import html
import re
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


def markdown_text(text: str) -> str:
    """Write text so that neither Markdown nor the HTML made of it reads it as markup."""
    marked = re.sub(r"([\\`*\[\]|~])", r"\\\1", html.escape(text, quote=False))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", marked)  # within a word it is no markup
