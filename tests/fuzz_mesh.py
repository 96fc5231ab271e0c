"""Everything that a hostile node can send: only our own errors, in time, in little memory.

python -m tests.fuzz_mesh --minutes 10 --seed 1
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from elixircluster.mesh import handshake, messages
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.external import decode, encode
from elixircluster.mesh.failure import Failed, MeshError
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.probe import HEAR_SECONDS, MARGIN_SECONDS, REACH_SECONDS, Prober
from elixircluster.mesh.terms import Atom, Bits, Improper, Map, Pid, Port, Ref, TermError
from elixircluster.mesh.view import view
from elixircluster.untrusted import clean
from tests.pretend import COOKIE, Hostile, Pretend, mutate, serve

ROOT = Path(__file__).parents[1]
LOOK_SECONDS = 1.0
SLACK_SECONDS = 4.0
"""On a machine that others use as well."""
MOST_CPU_SECONDS = 0.5
"""Of a look at all."""
HOSTILE_NODES = 12
LONGEST_TOLD = 2048

NODE = Atom("chat@10.0.0.7")
SEEDS = [
    [NODE, Atom("chat@10.0.0.8")],
    (Atom("ok"), [[list(b"6789")]]),
    Map(((Atom("a"), [1, 2.5, -7, 2**70]), (b"key", (Atom("badrpc"), Atom("undef"))))),
    (Pid(NODE, 1, 2, 3), Port(NODE, 4, 5), Ref(NODE, 6, (7, 8, 9)), Bits(b"\xf0", 4), Improper((1,), 2)),
    (2, Atom(""), Pid(NODE, 1, 0, 3)),
]


@dataclass
class Findings:
    """What a run saw. `faults` must stay empty."""

    decoded: int = 0
    looks: int = 0
    slowest: float = 0.0
    most_cpu: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory_kib: int = 0


def decode_anything(numbers: random.Random, rounds: int, found: Findings) -> None:
    """Bytes that are nearly terms, messages or parts of a handshake."""
    for _ in range(rounds):
        data = mutate(encode(numbers.choice(SEEDS)), numbers)
        if numbers.random() < 0.1:
            data = b"\x83" + numbers.randbytes(numbers.randrange(200))
        with contextlib.suppress(TermError):
            encode(decode(data))
        with contextlib.suppress(TermError):
            messages.read(b"p" + data)
        with contextlib.suppress(TermError):
            messages.read(b"p" + encode((messages.SEND, Atom(""), 1)) + data)
        packet = numbers.choice([b"s", b"N", b"a", b""]) + numbers.randbytes(numbers.randrange(40))
        with contextlib.suppress(MeshError):
            handshake.read_status(packet)
        with contextlib.suppress(MeshError):
            handshake.read_challenge(packet)
        with contextlib.suppress(MeshError):
            handshake.read_acknowledgement(packet, COOKIE, 1)
        found.decoded += 1


async def look_at_anything(members: list[Member], rounds: int, found: Findings) -> None:
    """Look a few times at hostile nodes and at a good one, the first of the members."""
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: found.faults.append(f"{context.get('message')} {context.get('exception')!r}")
    )
    prober = Prober(COOKIE, Identity("fuzz@prober"), look_seconds=LOOK_SECONDS)
    try:
        for _ in range(rounds):
            started, cpu = time.perf_counter(), time.process_time()
            answers = await prober.look(members)
            unheard = await prober.listen(members, answers)
            await asyncio.gather(*(prober.reaches(member, members[0]) for member in members))
            took, cpu = time.perf_counter() - started, time.process_time() - cpu
            found.looks += 1
            found.slowest = max(found.slowest, took)
            if took > LOOK_SECONDS + 2 * (HEAR_SECONDS + MARGIN_SECONDS) + REACH_SECONDS + SLACK_SECONDS:
                found.faults.append(f"a look took {took:.2f} s")
            if cpu > MOST_CPU_SECONDS:
                found.faults.append(f"a look took {cpu:.2f} s of CPU")
            found.most_cpu = max(found.most_cpu, cpu)
            good = answers[members[0].node]
            if not isinstance(good, Answer):
                found.faults.append(f"the good node was not understood: {good}")
            for answer in answers.values():
                found.outcomes[str(answer.failure) if isinstance(answer, Failed) else "answer"] += 1
                found.faults += [f"it told us {text!r}" for text in told(answer) if clean(text, LONGEST_TOLD) != text]
            seen = view(members, answers, None, unheard)
            if seen.verdict.message != clean(seen.verdict.message, LONGEST_TOLD):
                found.faults.append(f"the verdict is {seen.verdict.message!r}")
    finally:
        await prober.close()


def told(answer: Answer | Failed) -> list[str]:
    """Every text of an answer."""
    if isinstance(answer, Failed):
        return [answer.message]
    return [*answer.sees, *answer.hidden, str(answer.otp_release), str(answer.elixir_version)]


@contextlib.contextmanager
def nodes(seed: int) -> Iterator[list[Member]]:
    """A good node and hostile ones, in another process: their work is not ours."""
    command = [sys.executable, "-m", "tests.fuzz_mesh", "--serve", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=environment
    )
    try:
        yield [Member(**item) for item in json.loads(process.stdout.readline())]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def serve_nodes(seed: int) -> None:
    """Each connection to a hostile node meets another trick. All say that they see all, so that links are checked."""
    numbers = random.Random(seed)
    names = ["good@127.0.0.1", *(f"bad{index}@127.0.0.1" for index in range(HOSTILE_NODES))]

    def connected(node: Pretend) -> Pretend:
        node.sees = [Atom(name) for name in names if name != node.name]
        return node

    _, good = await serve(lambda: connected(Pretend(names[0])), names[0])
    members = [good]
    for name in names[1:]:
        _, member = await serve(lambda name=name: connected(Hostile(name, random.Random(numbers.random()))), name)
        members.append(member)
    print(json.dumps([vars(member) for member in members]), flush=True)
    await asyncio.Event().wait()


def campaign(seed: int, seconds: float) -> Findings:
    """So many seconds of it."""
    numbers, found = random.Random(seed), Findings()
    deadline = time.monotonic() + seconds
    with nodes(seed) as members:
        while time.monotonic() < deadline:
            decode_anything(numbers, 500, found)
            asyncio.run(look_at_anything(members, 3, found))
            found.memory_kib = max(found.memory_kib, memory_kib())
    return found


def memory_kib() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--seed", type=int, default=None, help="The seed of an earlier run, to see the same again.")
@click.option("--serve", "serving", is_flag=True, hidden=True)
def main(minutes: float, seed: int | None, serving: bool) -> None:
    seed = random.randrange(2**32) if seed is None else seed
    if serving:
        asyncio.run(serve_nodes(seed))
    before = memory_kib()
    found = campaign(seed, minutes * 60)
    print(f"seed {seed}: {found.decoded} decodings, {found.looks} looks, the slowest {found.slowest:.2f} s")
    print(f"at most {found.most_cpu * 1000:.0f} ms of CPU for a look")
    print(f"memory {before // 1024} MiB before, {found.memory_kib // 1024} MiB at most")
    print(", ".join(f"{name} {count}" for name, count in sorted(found.outcomes.items())))
    for fault in found.faults[:20]:
        print(f"FAULT {fault}")
    raise SystemExit(bool(found.faults))


if __name__ == "__main__":
    main()
