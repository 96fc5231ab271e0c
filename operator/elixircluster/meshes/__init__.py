"""Every mesh: when it is looked at (`scheduler`), what is seen (`mesh`), and what is dialled again (`healer`)."""
