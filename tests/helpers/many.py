"""How many cases hypothesis makes up: 2,000 that are the same each time, or EXAMPLES others."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("EXAMPLES")
many = settings(
    max_examples=int(EXAMPLES or 2000),
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
