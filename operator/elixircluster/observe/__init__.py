"""What users see: status, conditions, events, metrics, health, logs."""
