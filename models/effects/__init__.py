"""City and pair effects, random slopes, and how they enter a model without ridges."""
