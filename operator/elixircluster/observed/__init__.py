"""What was seen of the world, by owner."""
