"""Every combination of strategy, runtime, encryption, port mapper and address family, with real nodes."""
