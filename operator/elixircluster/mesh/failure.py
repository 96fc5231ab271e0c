"""How talking to a node fails, in the words that a user reads."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """What went wrong; the value is a condition reason."""

    REFUSED = "Refused"
    """No way leads there, the node says that we may not connect, or nothing listens where something did."""
    NOT_DISTRIBUTED = "NotDistributed"
    """Nothing listens there: while its pod starts, it does not yet; while it serves, the node has no name."""
    TIMEOUT = "Timeout"
    """No answer in time."""
    TLS_FAILED = "TlsFailed"
    """One side does not accept the other's certificate or version; the message says which check failed."""
    PLAINTEXT = "TlsNotSpoken"
    """The node takes connections in plaintext, where it is to speak TLS."""
    WRONG_COOKIE = "WrongCookie"
    """The node has another cookie than we were given."""
    WRONG_NAME = "WrongName"
    """Another node than the expected one answers at that address."""
    NOT_ALIVE = "NotAlive"
    """The node is not there: it is not registered, or it ended the connection."""
    RPC_REFUSED = "RpcRefused"
    """The node took the call and answered with an error."""
    PROTOCOL = "Protocol"
    """What answers does not speak the distribution protocol as we know it."""

    @property
    def nobody_there(self) -> bool:
        """Whether there may be no node at all: nothing listens, or what did has hung up."""
        return self in {Failure.NOT_DISTRIBUTED, Failure.NOT_ALIVE}

    @property
    def may_be_starting(self) -> bool:
        """Whether a node that is still booting fails like this."""
        return self.nobody_there or self in {Failure.REFUSED, Failure.TIMEOUT}

    @property
    def stale_credentials(self) -> bool:
        """Whether other credentials than ours may be the right ones by now."""
        return self in {Failure.WRONG_COOKIE, Failure.TLS_FAILED}

    @property
    def noted(self) -> bool:
        """Whether the node writes each such attempt of ours to its log."""
        return self.stale_credentials or self in {Failure.WRONG_NAME, Failure.PROTOCOL, Failure.PLAINTEXT}


class Step(StrEnum):
    """What was being done when it failed; the value follows "no answer"."""

    LOOKUP = "from epmd"
    CONNECT = "to a connection attempt"
    TLS = "in the TLS handshake"
    HANDSHAKE = "in the distribution handshake"
    CALL = "to a call"


@dataclass(frozen=True)
class Failed:
    """The answer of a node that gave none. `message` never holds the cookie."""

    failure: Failure
    message: str
    step: Step = Step.CALL

    @property
    def proven(self) -> bool:
        """Whether it comes from a node that has the cookie. Anything earlier is the word of whoever answers there."""
        return self.step is Step.CALL

    @property
    def frozen(self) -> bool:
        """Whether something takes our connection and then says nothing, as a stopped process does."""
        return self.failure is Failure.TIMEOUT and self.step not in {Step.CONNECT, Step.LOOKUP}


class MeshError(Exception):
    """Talking to a node failed; `failed` says how. The only error that leaves this package's network code."""

    def __init__(self, failure: Failure, message: str, step: Step = Step.CALL) -> None:
        super().__init__(f"{failure}: {message}")
        self.failed = Failed(failure, message, step)

    @classmethod
    def unconnected(cls, error: OSError, where: str, step: Step) -> MeshError:
        """That no TCP connection came about."""
        failure = Failure.NOT_DISTRIBUTED if error.errno == errno.ECONNREFUSED else Failure.REFUSED
        # asyncio writes a sentence of its own into strerror.
        return cls(failure, f"{where}: {os.strerror(error.errno or errno.EIO).lower()}", step)
