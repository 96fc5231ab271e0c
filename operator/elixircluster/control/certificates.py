"""Certificates for TLS between nodes: a CA for each resource, and one certificate that all its nodes share.

The key of the CA is in a Secret of its own that no pod mounts. The certificate names every node's host up to a size
beyond the present one, so that scaling issues nothing; it is renewed in time, and nodes read the new file by
themselves for new connections.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from elixircluster.api.resource import GROUP, ElixirCluster
from elixircluster.control.kinds import SECRETS
from elixircluster.control.ownership import refuse_foreign
from elixircluster.control.world import World, owner_uid
from elixircluster.errors import Retry, Stalled
from elixircluster.kube import Api, ApiError
from elixircluster.render.discovery import strategy
from elixircluster.render.names import certificate_secret, names
from elixircluster.render.objects import render_tls_secret
from elixircluster.render.templates import Templates
from elixircluster.render.tls import hosts

CA_DAYS = 3650
LEAF_DAYS = 90
RENEW_DAYS = 30
BACKDATED = dt.timedelta(hours=1)  # for nodes whose clock is behind

HOSTS_ANNOTATION = f"{GROUP}/hosts"
RENEW_ANNOTATION = f"{GROUP}/renew-after"

Body = dict[str, Any]
Now = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def load(cls, data: dict[str, str]) -> Pair:
        """From a Secret's data (`tls.crt`, `tls.key`)."""
        key = serialization.load_pem_private_key(base64.b64decode(data["tls.key"]), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("not a key of an elliptic curve")
        return cls(x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"])), key)

    def data(self) -> dict[str, str]:
        """As a Secret's data."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"tls.crt": encode(self.certificate), "tls.key": base64.b64encode(key).decode()}


def encode(certificate: x509.Certificate) -> str:
    """A certificate as a Secret holds it."""
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode()


def new_authority(name: str, now: dt.datetime) -> Pair:
    """A CA that signs for one resource and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} BEAM cluster"[:64])])
    builder = _builder(subject, subject, key, now, CA_DAYS).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return Pair(builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key)


def new_certificate(authority: Pair, names_: list[str], now: dt.datetime) -> Pair:
    """A certificate for these hosts, as server and as client."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BEAM node")])
    certificate = (
        _builder(subject, authority.certificate.subject, key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names_]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + dt.timedelta(days=days))
    )


class Certificates:
    """Sees to it that the certificate's Secret is there and good."""

    def __init__(self, api: Api, world: World, templates: Templates, now: Now) -> None:
        self._api = api
        self._world = world
        self._templates = templates
        self._now = now

    async def ensure(self, cluster: ElixirCluster) -> None:
        """Make or check the Secret that the nodes mount. Raises `Stalled` or `Retry` where none serves."""
        mode = cluster.spec.distribution.tls.mode
        if mode == "SelfSigned":
            await self._self_signed(cluster)
        elif mode == "Secret":
            await self._users_own(cluster)

    async def check(self, cluster: ElixirCluster) -> None:
        """Raise `Retry` while cert-manager has not made the Secret: without it pods only say that they start."""
        if cluster.spec.distribution.tls.mode != "CertManager":
            return
        name = names(cluster).certificate
        if await self._api.get(SECRETS, cluster.namespace, name) is None:
            message = f"cert-manager has not made Secret {name} yet; kubectl describe certificate {name} says why"
            raise Retry("WaitingForCertificate", message, after=1.0)

    async def _self_signed(self, cluster: ElixirCluster) -> None:
        name = names(cluster).certificate
        wanted = digest(list(hosts(cluster)))
        child = self._world.children(cluster.key).get((SECRETS.kind, name))
        if child:
            refuse_foreign(cluster, SECRETS.kind, name, child.owner_uid)
            renew = child.annotations.get(RENEW_ANNOTATION, "")
            if child.annotations.get(HOSTS_ANNOTATION) == wanted and _stamp(self._now()) < renew:
                return
        authority = await self._authority(cluster)
        leaf = new_certificate(authority, list(hosts(cluster)), self._now())
        annotations = {
            HOSTS_ANNOTATION: wanted,
            RENEW_ANNOTATION: _stamp(leaf.certificate.not_valid_after_utc - dt.timedelta(days=RENEW_DAYS)),
        }
        body = self._secret(cluster, name, {**leaf.data(), "ca.crt": encode(authority.certificate)}, annotations)
        if child is None:
            self._world.see(SECRETS, await self._create(cluster, body))
        else:
            self._world.see(SECRETS, await self._api.apply(SECRETS, body))

    async def _authority(self, cluster: ElixirCluster) -> Pair:
        """The resource's CA: made once, and read back ever after."""
        name = names(cluster).authority
        existing = await self._api.get(SECRETS, cluster.namespace, name)
        if existing is None:
            made = new_authority(cluster.name, self._now())
            existing = await self._create(cluster, self._secret(cluster, name, made.data(), {}))
        refuse_foreign(cluster, SECRETS.kind, name, owner_uid(existing["metadata"]))
        return Pair.load(existing["data"])

    async def _create(self, cluster: ElixirCluster, body: Body) -> Body:
        """Create the Secret, or take the one that is there and ours."""
        name = body["metadata"]["name"]
        try:
            return await self._api.create(SECRETS, body)
        except ApiError as error:
            if error.code != 409:
                raise
        existing = await self._api.get(SECRETS, cluster.namespace, name)
        if existing is None:
            raise Retry("Conflict", after=0.1)
        refuse_foreign(cluster, SECRETS.kind, name, owner_uid(existing["metadata"]))
        return existing

    def _secret(self, cluster: ElixirCluster, name: str, data: dict[str, str], annotations: dict[str, str]) -> Body:
        return render_tls_secret(cluster, self._templates, name, data, annotations)

    async def _users_own(self, cluster: ElixirCluster) -> None:
        name = certificate_secret(cluster)
        existing = await self._api.get(SECRETS, cluster.namespace, name)
        refuse_unusable(cluster, existing, self._now())


def refuse_unusable(cluster: ElixirCluster, existing: Body | None, now: dt.datetime) -> None:
    """Raise `Stalled` for a certificate with which nodes could not connect."""
    name = certificate_secret(cluster)
    where = f"Secret {name} (spec.distribution.tls.secretRef)"
    if existing is None:
        raise Stalled("CertificateSecretMissing", f"{where} does not exist in namespace {cluster.namespace}; create it")
    data = existing.get("data") or {}
    for key in ("tls.crt", "tls.key", "ca.crt"):
        if not data.get(key):
            raise Stalled("CertificateKeyMissing", f"{where} has no key {key}; it needs tls.crt, tls.key and ca.crt")
    try:
        certificate = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
    except ValueError:
        raise Stalled("CertificateInvalid", f"tls.crt of {where} is no certificate in PEM") from None
    if certificate.not_valid_after_utc <= now:
        raise Stalled("CertificateExpired", f"the certificate in {where} has expired; renew it")
    refuse_missing_hosts(cluster, certificate, where)


def refuse_missing_hosts(cluster: ElixirCluster, certificate: x509.Certificate, where: str) -> None:
    """The runtime compares hosts with exact DNS names: a wildcard does not match."""
    try:
        names_ = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        present = set(names_.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        present = set()
    missing = [host for host in list(hosts(cluster))[: max(cluster.spec.replicas, 1)] if host not in present]
    if missing and strategy(cluster).naming == "host":
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise Stalled(
            "CertificateNameMissing",
            f"the certificate in {where} does not name {missing[0]}{more}; its DNS names must hold every node's host",
        )


def digest(names_: list[str]) -> str:
    """A short name for a list of hosts."""
    return hashlib.sha256("\n".join(names_).encode()).hexdigest()[:16]


def _stamp(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
