"""The texts and tables of each topic, for a command to print and write and for the report."""
