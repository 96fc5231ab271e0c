"""The loop: watches, queue, reconcile, writes, election."""
