from __future__ import annotations

from hypothesis import settings

# Other builds on the same machine make an example slow now and then.
settings.register_profile("mesh", deadline=None)
settings.load_profile("mesh")
