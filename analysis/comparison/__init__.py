"""Models compared by what they have not seen, and verdicts on inflation."""
