"""When a certificate is made anew, and how a new CA takes the place of the old one. Pure: a decision is a value.

Nodes read their files by themselves, each at its own time, so a new CA is trusted by all before anything is signed by
it, and the old one is trusted until nothing that it signed is in use:

    ca.crt           tls.crt signed by
    old              old                  a new CA is there
    old, new         old                  for OVERLAP, in which every node learns of it
    new, old         new                  for OVERLAP, in which every node shows its new certificate
    new              new
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from elixircluster.certificates.judge import Demand, Held, complete, has_signed, is_valid, judge, named, paired

OVERLAP = dt.timedelta(minutes=10)
"""The kubelet refreshes files within two minutes, and the runtime keeps what it read for two: `ssl_pem_cache_clean`."""
RENEW_LEAF = dt.timedelta(days=30)
RENEW_AUTHORITY = dt.timedelta(days=365)


@dataclass(frozen=True)
class Renewal:
    """What the nodes' Secret is to hold from now on, where that changes, and when to look again.

    `issue`: a new certificate is made. `authorities` is what ca.crt holds. `since`: when that, or the certificate,
    changed last because of a new CA.
    """

    changes: bool
    issue: bool
    authorities: tuple[x509.Certificate, ...]
    since: dt.datetime
    again: dt.datetime


def renewal(
    authority: x509.Certificate, held: Held, names: Sequence[str], since: dt.datetime, now: dt.datetime
) -> Renewal:
    """What is to become of a certificate. `authority` is the CA of now."""
    leaf = held.certificate
    if leaf is None or judge(held, Demand([], now)):
        return Renewal(True, True, (authority, *_others(authority, held, now)), now, now + OVERLAP)
    if not has_signed(authority, leaf):
        return _following(authority, held, since, now)
    due = leaf.not_valid_after_utc - RENEW_LEAF
    if due <= now or judge(held, Demand(names, now), (named,)):
        return Renewal(True, True, (authority, *_others(authority, held, now)), since, now + OVERLAP)
    return _settling(authority, held, since, now, due)


def _following(authority: x509.Certificate, held: Held, since: dt.datetime, now: dt.datetime) -> Renewal:
    """A new CA has signed nothing yet: every node trusts it first."""
    others = _others(authority, held, now)
    if authority not in held.authorities:
        return Renewal(True, False, (*others, authority), now, now + OVERLAP)
    if now - since < OVERLAP:
        return Renewal(False, False, held.authorities, since, since + OVERLAP)
    return Renewal(True, True, (authority, *others), now, now + OVERLAP)


def _settling(
    authority: x509.Certificate, held: Held, since: dt.datetime, now: dt.datetime, due: dt.datetime
) -> Renewal:
    """The CA of now has signed what is shown: an older one is trusted until nothing of it is in use."""
    others = _others(authority, held, now)
    if others and now - since < OVERLAP:
        return Renewal(authority not in held.authorities, False, (authority, *others), since, since + OVERLAP)
    return Renewal(held.authorities != (authority,), False, (authority,), since, due)


def _others(authority: x509.Certificate, held: Held, now: dt.datetime) -> tuple[x509.Certificate, ...]:
    return tuple(one for one in held.authorities if one != authority and is_valid(one, now))


def authority_serves(held: Held, now: dt.datetime) -> bool:
    """Whether a CA can sign for as long as a certificate lives: judged by its data as any other."""
    found = held.certificate
    if found is None or held.key is None or judge(held, Demand([], now), (complete, paired)):
        return False
    try:
        is_authority = found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
    return is_authority and is_valid(found, now) and found.not_valid_after_utc - RENEW_AUTHORITY > now
