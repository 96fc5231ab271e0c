"""How a cluster changes: plans with a reason. Pure."""
