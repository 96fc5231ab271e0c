"""The distribution cookie: its Secret, and another one for running nodes."""
