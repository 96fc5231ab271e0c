"""TLS between nodes: who signed, until when, for whom; and what the handshakes say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import NOTHING, Verdict, failed, looked_into, skipped
from elixircluster.doctor.probe import UNTOLD, Told

ROLES = ("client", "server")

REMEDIES = {
    "SelfSigned": "the operator makes the certificates; what the node reads comes from elsewhere: look at "
    "spec.release.command, spec.env and the image's vm.args for another -ssl_dist_optfile",
    "CertManager": "{kubectl} describe certificate {name}-tls; the issuer must sign all nodes with one CA",
    "Secret": "renew tls.crt, tls.key and ca.crt of the Secret in spec.distribution.tls.secretRef, all of one CA",
}
NO_LIBRARY = "no ssl application"
WITHOUT_LIBRARY = (
    "add :ssl to extra_applications in mix.exs, or ssl to the release's applications; or set "
    "spec.distribution.tls.mode to Disabled"
)
WITHOUT_FLAG = (
    "what starts the node drops or changes the operator's flags: look at spec.env, spec.release.command, and the "
    "image's vm.args and rel/env.sh.eex"
)


def tls(facts: Facts) -> Verdict:
    """Every node's certificate is valid now, signed by a CA that its peers know, and for its host."""
    mode = (facts.spec.get("distribution") or {}).get("tls", {}).get("mode", "Disabled")
    if not facts.distribution.encrypted:
        return skipped("spec.distribution.tls.mode is Disabled")
    if not facts.probed:
        return skipped(NOTHING)
    plain = list(dict.fromkeys(_plain(facts)))
    if plain:
        fix = WITHOUT_LIBRARY if any(NO_LIBRARY in line for line in plain) else WITHOUT_FLAG
        return failed("a node speaks no TLS", plain, fix)
    evidence = [line for examined in (_own, _between, _handshakes) for line in dict.fromkeys(examined(facts))]
    if evidence:
        fix = REMEDIES.get(mode, "").format(name=facts.name, kubectl=facts.kubectl)
        return failed("the certificates do not let the nodes in", evidence, fix)
    shown = [(member, _until(told)) for member, told in _certificates(facts) if "until" in told]
    if not shown:
        return skipped("no certificate was shown in time")
    looked = {member.name for member, _ in shown}
    return looked_into(facts, looked, f"signed by one CA, for these hosts, until {_date(min(end for _, end in shown))}")


def _certificates(facts: Facts) -> Iterator[tuple[Member, Told]]:
    for member in facts.probed:
        for role in ROLES:
            told = member.probe.part("tls", role) if member.probe else {}
            if told:
                yield member, told


def _own(facts: Facts) -> Iterator[str]:
    """What is wrong with a certificate by itself."""
    for member, told in _certificates(facts):
        if "error" in told:
            if told["error"] not in UNTOLD:
                yield f"{member.name}: {told['error']}"
            continue
        now = facts.now + (member.probe.offset if member.probe else 0.0)
        host = member.node.partition("@")[2]
        if now > _until(told):
            yield f"{member.name}: its certificate expired on {_date(_until(told))}"
        if now < int(told["from"]):
            yield f"{member.name}: its certificate is not valid before {_date(int(told['from']))}"
        if not told["signed"]:
            yield f"{member.name}: its certificate is signed by {told['issuer']}, which its own ca.crt does not hold"
        if told["fits_key"] is False:
            yield f"{member.name}: its key is not that of its certificate"
        if facts.distribution.naming == "host" and host not in told["names"]:
            yield f"{member.name}: its certificate is not for {host}"


def _between(facts: Facts) -> Iterator[str]:
    """Nodes that do not trust who has signed another."""
    told = list(_certificates(facts))
    for judge, trusts in told:
        for judged, shows in told:
            signers = set(shows.get("signers") or ())
            if judge is not judged and signers and not signers & set(trusts.get("authorities") or ()):
                yield f"{judge.name} does not know the CA ({shows['issuer']}) that signed {judged.name}"


def _plain(facts: Facts) -> Iterator[str]:
    for member in facts.probed:
        error = member.probe.part("tls").get("error") if member.probe else ""
        if error and error not in UNTOLD:
            yield f"{member.name}: {error}"
        elif member.probe and not member.probe.part("tls"):
            yield f"{member.name} speaks no TLS: it was started without -proto_dist {facts.distribution.protocol}"


def _handshakes(facts: Facts) -> Iterator[str]:
    for member in facts.probed:
        for pod, answer in (member.probe.each("tls", "handshakes") if member.probe else {}).items():
            if isinstance(answer, dict) and "alert" in answer:
                refuser = member.name if answer["by"] == "us" else pod
                yield f"{member.name} → {pod}: {refuser} says {str(answer['alert']).replace('_', ' ')}"
            elif isinstance(answer, str) and answer != "ok":
                yield f"{member.name} → {pod}: {answer}"


def _until(told: Told) -> int:
    return int(told.get("until", 1 << 40))


def _date(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
