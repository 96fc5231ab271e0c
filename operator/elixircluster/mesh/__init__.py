"""The mesh of a BEAM cluster, seen from outside: who is connected with whom, why not, and what to dial again.

    identity = Identity("elixircluster@<this pod>")     # one per process: names become atoms, which nodes keep
    turns = asyncio.Semaphore(DIALS_AT_ONCE)            # one per process
    prober = Prober(cookie, identity, turns=turns)      # one per cluster: keeps a connection to each node
    answers = await prober.look(members)                # node name → Answer | Failed, within a second or so
    unheard = await prober.listen(members, answers)     # links over which neither end hears the other
    seen = view(members, answers, 3, unheard)           # pure: links, islands, strangers, and a verdict
    todo = plan(seen, history, now, removing)           # pure: what to dial again
    way = await prober.reaches(source, target)          # nothing is dialled across a cut
    history = after(todo, ways, now)                    # pure: the history for the next plan
    await prober.call(member, connect_node(target))     # one of the functions in calls.py; MeshError if it fails

To use: `member` (Member, Answer), `probe` (Prober, DIALS_AT_ONCE), `connection` (Identity), `tls` (Tls, context),
`failure` (Failure, Failed, MeshError), `view` (view, MeshView, Verdict), `heal` (plan, after, advice), `calls`.
Beneath: `peer`, one node as the prober knows it; `graph`, who sees whom; `links`, which of them are checked; `terms`
and `external`, values and their bytes; `handshake`, `messages` and `epmd`, the protocol as bytes; `wire`, packets over
a connection, and `tcp`, the connection. `view`, `graph`, `links`, `heal`, `terms`, `external`, `handshake` and
`messages` do no I/O and have no clock.

What a node says passes `untrusted` where it enters, and leaves this package as bounded, printable text. `Failed.proven`
tells whether it was said by somebody who has the cookie.

We are a hidden node: members do not count us, `global` does not know us, and nobody is told to dial us. A member shows
us in `nodes(hidden)`. No name is looked up: a member is dialled at its pod's address.

What differs between releases, from their sources; OTP 25, 27 and 29 are those that we have run. OTP 26 demands two
more flags, which we always offer. TLS nodes of every release use lengths of four bytes from the first packet on, where
plain ones use two in the handshake; OTP 25 speaks TLS 1.2 unless told otherwise, and with 1.3 a certificate is refused
only after the TLS handshake, which we name all the same. `rex`, which takes our calls, is there in all of them.
"""
