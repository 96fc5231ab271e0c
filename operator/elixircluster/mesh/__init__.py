"""The mesh, seen from outside."""
