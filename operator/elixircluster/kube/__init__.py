"""The Kubernetes API, and the kinds that a resource owns."""
