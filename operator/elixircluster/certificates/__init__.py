"""Certificates for TLS between nodes."""
