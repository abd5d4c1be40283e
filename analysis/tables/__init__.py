"""Results as tables and sentences, on the terminal and in files."""
