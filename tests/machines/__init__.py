"""Several machines: spread over them, drained, lost, and back."""
