"""The report of a study: every chapter on one page."""
