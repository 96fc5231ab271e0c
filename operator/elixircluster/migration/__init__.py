"""What a release does once for an image before its nodes start."""
