"""`python -m elixircluster`."""

from elixircluster.cli import main

main()
