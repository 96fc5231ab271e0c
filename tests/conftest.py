"""How hypothesis looks for counterexamples: the same way each time, and however slow the machine is.

`pytest --hypothesis-profile wild` looks longer and elsewhere each time.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("wild", settings.get_profile("steady"), derandomize=False, max_examples=2000)
settings.load_profile("steady")
