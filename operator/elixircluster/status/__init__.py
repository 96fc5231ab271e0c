"""What users read: conditions, status and Events, pure, and their one writer."""
