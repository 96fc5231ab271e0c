"""ElixirCluster: a Kubernetes operator for BEAM clusters."""

__version__ = "0.1.0"
