"""What a developer runs by `make`."""
