"""Files as checked rows: the table of dyads and the table of cities, with the rules they obey."""
