"""How counts arise: distributions, the families made of them, what a dyad can expect."""
