"""What a posterior says: summaries, city effects, effects in plain units, predictions."""
