"""How fast, how small and how quiet: `python -m benchmarks NAME|all`, results in RESULTS.md."""
