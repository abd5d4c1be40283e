"""From a model to checked draws: compiled, sampled, held against the gate, predicted from."""
