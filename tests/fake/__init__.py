"""A small fake of Kubernetes for tests of the loop: in one process, without HTTP, in virtual time.

What it models is what goes wrong: versions and their preconditions, field ownership, answers that are lost after the
write took effect, events that come late, in any order between objects, or never, and controllers that lag behind.

`server` has the objects, `api` is what a client has in hand, `watch` what it hears, `view` what it could know by that.
`operator` is the operator on top, and the only module that knows its parts. `history` and `actions` say what happens,
`oracles` which laws hold, `verdict` lives a history and tells what was done wrong.
"""
