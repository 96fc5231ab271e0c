"""The Secrets with the certificates: made, judged by what they hold, and renewed in time.

The key of the CA is in a Secret of its own that no pod mounts. The certificate names every node's host up to a size
beyond the present one, so that scaling issues nothing; nodes read a new file by themselves for new connections.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elixircluster.api.resource import GROUP, ElixirCluster, Key
from elixircluster.certificates.issue import Pair, encode, new_authority, new_certificate
from elixircluster.certificates.judge import Demand, Held, judge, turn
from elixircluster.certificates.renewal import Renewal, authority_serves, renewal
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import SECRETS
from elixircluster.observed.ownership import owner_uid, refuse_foreign
from elixircluster.observed.store import Store
from elixircluster.phase import Context, Result
from elixircluster.render.discovery import strategy
from elixircluster.render.names import certificate_secret, labels, names
from elixircluster.render.objects import render_tls_secret
from elixircluster.render.templates import Templates
from elixircluster.render.tls import hosts

SINCE_ANNOTATION = f"{GROUP}/authorities-since"
"""When the CAs that nodes trust, or the one that signs for them, were changed last."""
AUTHORITY_KEYS = ("tls.crt", "tls.key")
LONGEST_WAIT_SECONDS = 86400.0
"""However far away a renewal is, it is looked for once a day: clocks change."""

Body = dict[str, Any]
Now = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Judged:
    """What was found good, until when: these versions of the two Secrets, for these hosts."""

    versions: tuple[str, ...]
    names: tuple[str, ...]
    until: dt.datetime


class Certificates:
    """Sees to it that the certificate's Secret is there and good."""

    def __init__(self, api: Api, store: Store, templates: Templates, now: Now) -> None:
        self._api = api
        self._store = store
        self._templates = templates
        self._now = now
        self._judged: dict[Key, Judged] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._judged.pop(key, None)

    async def renew(self, context: Context) -> Result:
        """The phase that makes or checks what the nodes mount. It comes before whatever may stop the reconcile."""
        cluster = context.cluster
        if cluster.spec.paused and context.observed.workload is None:
            return Result()
        mode = cluster.spec.distribution.tls.mode
        if mode == "SelfSigned":
            return Result(again=await self._self_signed(cluster))
        if mode == "Secret":
            return Result(again=await self._users_own(cluster))
        return Result()

    async def await_issued(self, context: Context) -> Result:
        """The phase that waits for cert-manager, before the nodes and before what they are made of is written."""
        cluster = context.cluster
        if cluster.spec.distribution.tls.mode != "CertManager":
            return Result()
        name = names(cluster).issued
        secret = await self._api.get(SECRETS, cluster.namespace, name)
        why = f"kubectl describe certificate {names(cluster).certificate} says why"
        if secret is None:
            raise Retry("WaitingForCertificate", f"cert-manager has not made Secret {name} yet; {why}", after=1.0)
        held = Held.read(secret.get("data"))
        if fault := judge(held, self._demand(cluster)):
            raise Retry("WaitingForCertificate", f"Secret {name} {fault.message}; {why}", after=5.0)
        return Result(again=self._seconds_until_turn(held))

    async def _self_signed(self, cluster: ElixirCluster) -> float:
        """Returns in how many seconds to look again."""
        now, wanted = self._now(), tuple(hosts(cluster))
        judged = self._judged.get(cluster.key)
        if judged and (judged.versions, judged.names) == (self._versions(cluster), wanted) and now < judged.until:
            return seconds_until(judged.until, now)
        authority = await self._authority(cluster)
        existing = await self._owned(cluster, names(cluster).certificate)
        held = Held.read(existing.get("data") if existing else None)
        found = renewal(authority.certificate, held, wanted, since(existing, now), now)
        if found.changes or is_unlabelled(cluster, existing):
            await self._write(cluster, existing, self._secret_of(cluster, authority, existing, found))
        self._judged[cluster.key] = Judged(self._versions(cluster), wanted, found.again)
        return seconds_until(found.again, now)

    def _secret_of(self, cluster: ElixirCluster, authority: Pair, existing: Body | None, found: Renewal) -> Body:
        name = names(cluster).certificate
        data: Mapping[str, str] = (existing or {}).get("data") or {}
        pair = (
            new_certificate(authority, list(hosts(cluster)), self._now()).data()
            if found.issue
            else {key: data[key] for key in AUTHORITY_KEYS}
        )
        annotations = {SINCE_ANNOTATION: stamp(found.since)}
        return self._secret(cluster, name, {**pair, "ca.crt": encode(*found.authorities)}, annotations)

    async def _authority(self, cluster: ElixirCluster) -> Pair:
        """The resource's CA: made once, and anew only where what is there cannot sign, or not for long."""
        name = names(cluster).authority
        existing = await self._owned(cluster, name)
        held = Held.read(existing.get("data") if existing else None, AUTHORITY_KEYS)
        found = None
        if held.certificate and authority_serves(held, self._now()):
            found = Pair(held.certificate, held.key)
        if found and not is_unlabelled(cluster, existing):
            return found
        made = found or new_authority(cluster.name, self._now())
        await self._write(cluster, existing, self._secret(cluster, name, made.data(), {}))
        return made

    async def _owned(self, cluster: ElixirCluster, name: str) -> Body | None:
        existing = await self._api.get(SECRETS, cluster.namespace, name)
        if existing is not None:
            refuse_foreign(cluster, SECRETS.kind, name, owner_uid(existing["metadata"]))
        return existing

    async def _write(self, cluster: ElixirCluster, existing: Body | None, body: Body) -> None:
        """Create the Secret, or change the one that was read, and no other."""
        try:
            if existing is None:
                written = await self._api.create(SECRETS, body)
            else:
                read = {part: existing["metadata"][part] for part in ("uid", "resourceVersion")}
                written = await self._api.apply(SECRETS, {**body, "metadata": {**body["metadata"], **read}})
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            raise Retry("Conflict") from error
        self._store.absorb(SECRETS, written)

    def _versions(self, cluster: ElixirCluster) -> tuple[str, ...]:
        children = self._store.children(cluster.key)
        found = (children.get((SECRETS.kind, name)) for name in (names(cluster).certificate, names(cluster).authority))
        return tuple(child.resource_version if child else "" for child in found)

    def _secret(self, cluster: ElixirCluster, name: str, data: dict[str, str], annotations: dict[str, str]) -> Body:
        return render_tls_secret(cluster, self._templates, name, data, annotations)

    async def _users_own(self, cluster: ElixirCluster) -> float | None:
        """Returns in how many seconds to look again."""
        secret = await self._api.get(SECRETS, cluster.namespace, certificate_secret(cluster))
        where = f"Secret {certificate_secret(cluster)} (spec.distribution.tls.secretRef)"
        if secret is None:
            message = f"{where} does not exist in namespace {cluster.namespace}; create it"
            raise Stalled("CertificateSecretMissing", message)
        held = Held.read(secret.get("data"))
        again = self._seconds_until_turn(held)
        if fault := judge(held, self._demand(cluster)):
            raise Stalled(fault.reason, f"{where} {fault.message}", again=again)
        return again

    def _seconds_until_turn(self, held: Held) -> float | None:
        """Nobody tells of a certificate whose time is over."""
        now = self._now()
        time = turn(held, now)
        return seconds_until(time, now) if time else None

    def _demand(self, cluster: ElixirCluster) -> Demand:
        """Nodes that are named by address are not told apart by their names."""
        named = list(hosts(cluster))[: max(cluster.spec.replicas, 1)] if strategy(cluster).naming == "host" else []
        return Demand(named, self._now())


def is_unlabelled(cluster: ElixirCluster, secret: Body | None) -> bool:
    """Whether somebody took its labels away: no watch would see what becomes of it."""
    said = (secret or {}).get("metadata", {}).get("labels") or {}
    return secret is not None and not labels(cluster).items() <= said.items()


def since(secret: Body | None, now: dt.datetime) -> dt.datetime:
    """When the CAs were changed last. What cannot be read, or is of the future, was now: it costs time alone."""
    text = ((secret or {}).get("metadata", {}).get("annotations") or {}).get(SINCE_ANNOTATION, "")
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return now
    return min(found, now) if found.tzinfo else now


def stamp(time: dt.datetime) -> str:
    """A time in RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_until(time: dt.datetime, now: dt.datetime) -> float:
    """Seconds to wait, at least one."""
    return min(max((time - now).total_seconds(), 1.0), LONGEST_WAIT_SECONDS)
