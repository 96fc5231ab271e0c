"""Metrics, logs and health: below everything, and knowing nobody."""
