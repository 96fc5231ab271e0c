"""The two ordinary ways in which a reconcile does not finish; everything else is a bug or the world."""


class Stalled(Exception):  # noqa: N818 - an outcome with a reason, not a program error
    """The user must act: nothing is retried until the resource or an object that it refers to changes.

    `reason` is a CamelCase condition reason; `message` names the field or object and the way out.
    It never holds a secret or a generated name. `again` is for what nobody will tell of: look again in so many seconds.
    """

    def __init__(self, reason: str, message: str, *, again: float | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.again = again


class Retry(Exception):  # noqa: N818 - an outcome with a reason, not a program error
    """The world is not there yet: look again in `after` seconds, each time, or without it after a growing backoff.

    With a message it is shown to the user as what is being waited for. `again`: something else is due in so many
    seconds, whatever becomes of this. `held`: it may take its time, and somebody else sees to its end.
    """

    def __init__(
        self, reason: str, message: str = "", *, after: float = 0.0, again: float | None = None, held: bool = False
    ) -> None:
        super().__init__(f"{reason}: {message}" if message else reason)
        self.reason = reason
        self.message = message
        self.after = after
        self.again = again
        self.held = held
