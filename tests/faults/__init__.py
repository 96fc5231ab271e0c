"""What happens when things break: the operator killed, frozen, cut off, lied to."""
