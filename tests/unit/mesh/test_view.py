from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.graph import MOST_STRANGERS
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import FORMING_SECONDS, view

REASONS = {"FullMesh", "Forming", "PartialMesh", "Partitioned", "NodeFrozen", "Unreachable", "Strangers", "Unknown"}
LONG = FORMING_SECONDS * 10
FROZEN = Failed(Failure.TIMEOUT, "no answer within 1 s to a call", Step.CALL)
REFUSED = Failed(Failure.REFUSED, "10.0.0.7 port 6789: connection refused", Step.CONNECT)
DROPPED = Failed(Failure.TIMEOUT, "no answer within 1 s to a connection attempt", Step.CONNECT)
COOKIE = Failed(Failure.WRONG_COOKIE, "the node has another cookie", Step.HANDSHAKE)


def name(letter):
    return f"chat@{letter}"


def member(letter, **changes):
    return Member(f"chat-{letter}", name(letter), **changes)


def members(letters, **changes):
    return [member(letter, **changes) for letter in letters]


def answer(sees, uptime=LONG, **changes):
    return Answer(frozenset(map(name, sees)), uptime_seconds=uptime, **changes)


def said(**by_letter):
    """What nodes say: letters for whom a node sees, or a failure."""
    return {name(node): answer(item) if isinstance(item, str) else item for node, item in by_letter.items()}


def judged(letters, expected=None, **by_letter):
    return view(members(letters), said(**by_letter), expected).verdict


def test_all_that_see_each_other_are_a_full_mesh():
    seen = view(members("abc"), said(a="bc", b="ac", c="ab"))
    assert seen.verdict == (True, "FullMesh", "all 3 nodes see each other")
    assert (seen.links, seen.expected_links, len(seen.islands)) == (3, 3, 1)


def test_a_single_node_is_a_full_mesh():
    assert judged("a", a="") == (True, "FullMesh", "the only node is up")


def test_nobody_is_unknown():
    assert judged("")[:2] == (None, "Unknown")


def test_islands_are_a_partition_and_are_named_the_largest_first():
    verdict = judged("abc", a="", b="c", c="b")
    assert verdict == (False, "Partitioned", "2 islands that do not see each other: chat-b, chat-c | chat-a")


def test_a_link_that_nobody_hears_over_is_missing_and_told_as_what_it_is():
    seen = view(members("abc"), said(a="bc", b="ac", c="ab"), unheard={(name("a"), name("b"))})
    assert seen.verdict == (False, "PartialMesh", "connected, but do not hear each other: chat-a and chat-b")
    assert (seen.links, seen.missing, seen.unheard) == (2, {(name("a"), name("b"))}, {(name("a"), name("b"))})
    assert seen.sees[name("a")] == {name("c")}


def test_islands_that_still_list_each_other_do_not_hear_each_other():
    cut = {(name("a"), name("c")), (name("b"), name("c"))}
    verdict = view(members("abc"), said(a="bc", b="ac", c="ab"), unheard=cut).verdict
    assert verdict == (False, "Partitioned", "2 islands that do not hear each other: chat-a, chat-b | chat-c")


def test_an_unheard_link_counts_only_while_both_ends_believe_in_it():
    seen = view(members("ab"), said(a="b", b=""), unheard={(name("a"), name("b"))})
    assert (seen.unheard, seen.one_way) == (frozenset(), {(name("a"), name("b"))})


def test_a_node_that_has_just_started_is_not_an_island_but_still_to_come():
    answers = said(a="", b="c", c="b") | {name("a"): answer("", uptime=3)}
    assert view(members("abc"), answers).verdict == (False, "Forming", "waiting for chat-a")


def test_a_link_that_is_missing_in_one_island_is_a_partial_mesh():
    verdict = judged("abc", a="b", b="ac", c="b")
    assert verdict == (False, "PartialMesh", "not connected: chat-a and chat-c")


def test_a_link_that_one_end_sees_is_no_link_and_is_named():
    seen = view(members("abc"), said(a="bc", b="ac", c="b"))
    assert (seen.links, seen.one_way, seen.missing) == (2, {(name("a"), name("c"))}, frozenset())
    assert seen.verdict == (False, "PartialMesh", "connected for one end only: chat-a sees chat-c")


def test_a_frozen_node_is_named_though_its_peers_still_see_it():
    verdict = judged("abc", a="bc", b="ac", c=FROZEN)
    assert verdict == (False, "NodeFrozen", "chat-c: no answer within 1 s to a call")


def test_a_partition_is_worse_than_a_frozen_node():
    assert judged("abcd", a="b", b="a", c="", d=FROZEN).reason == "Partitioned"


@pytest.mark.parametrize("failed", [REFUSED, DROPPED, COOKIE])
def test_a_node_that_does_not_talk_to_us_is_unreachable_while_others_do(failed):
    verdict = judged("abc", a="bc", b="ac", c=failed)
    assert verdict[:2] == (False, "Unreachable")
    assert verdict.message.startswith(f"chat-c: {failed.failure}: {failed.message}")


@pytest.mark.parametrize(
    ("failure", "reason", "flags"),
    [(Failure.WRONG_NAME, "NodeNameOverridden", False), (Failure.NOT_DISTRIBUTED, "NotDistributed", True)],
)
def test_a_node_that_serves_without_the_name_it_was_given_is_told_where_names_come_from(failure, reason, flags):
    failed = Failed(failure, "it says so", Step.CALL)
    for others in ({"a": "b", "b": "a"}, {"a": failed, "b": failed}):
        verdict = judged("abc", **others, c=failed)
        assert verdict[:2] == (False, reason)
        assert "chat-c: it says so" in verdict.message
        assert "rel/env.sh" in verdict.message
        assert "RELEASE_NODE" in verdict.message
        # Nodes listen elsewhere where the image sets ERL_AFLAGS; the advice named lines that it did not have.
        assert ("ERL_AFLAGS" in verdict.message) is flags


def test_a_node_without_its_tls_is_told_before_all_else_and_with_the_way_out():
    """Both count as none: nodes talked in plaintext, and the mesh was Unknown."""
    plain = Failed(Failure.PLAINTEXT, "the node takes connections in plaintext", Step.TLS)
    for others in ({"a": plain, "b": plain}, {"a": "", "b": ""}, {"a": FROZEN, "b": "b"}):
        verdict = judged("abc", **others, c=plain)
        assert verdict[:2] == (False, "TlsNotSpoken")
        assert "-proto_dist" in verdict.message
        assert "spec.envFrom" in verdict.message


def test_a_node_that_others_see_over_tls_speaks_it_whoever_answers_us_in_plaintext():
    plain = Failed(Failure.PLAINTEXT, "the node takes connections in plaintext", Step.TLS)
    assert judged("abc", a="bc", b="ac", c=plain).reason == "Unreachable"


def test_another_name_from_whoever_answers_without_the_cookie_stalls_nothing():
    """Anybody at a pod's address could stall the resource with a name, and with any text in it."""
    claimed = Failed(Failure.WRONG_NAME, "it says so", Step.HANDSHAKE)
    verdict = judged("abc", a="b", b="a", c=claimed)
    assert verdict[:2] == (False, "Unreachable")
    assert "rel/env.sh" not in verdict.message
    proven = Failed(Failure.WRONG_NAME, "it says so", Step.CALL)
    assert view(members("ab"), said(a=proven, b=claimed)).not_as_told == {name("a")}


@pytest.mark.parametrize("failure", [Failure.WRONG_NAME, Failure.NOT_DISTRIBUTED])
def test_a_node_that_others_see_has_its_name_whoever_answers_us_at_its_address(failure):
    """A policy that refuses with a reset, or somebody else at the address, is no node without a name."""
    verdict = judged("abc", a="bc", b="ac", c=Failed(failure, "it says so", Step.CALL))
    assert verdict[:2] == (False, "Unreachable")


def test_a_node_that_does_not_listen_yet_is_no_node_without_a_name():
    deaf = Failed(Failure.NOT_DISTRIBUTED, "connection refused", Step.CONNECT)
    assert view([member("a"), member("b", ready=False)], said(a="", b=deaf)).verdict.reason == "Forming"


def test_when_no_node_talks_to_us_we_know_nothing():
    verdict = judged("ab", a=DROPPED, b=DROPPED)
    assert verdict[:2] == (None, "Unknown")
    assert "chat-a, chat-b: Timeout: no answer within 1 s to a connection attempt" in verdict.message


def test_pods_that_are_not_ready_may_still_be_starting():
    starting = [member("a"), member("b", ready=False)]
    assert view(starting, said(a="", b=REFUSED)).verdict == (False, "Forming", "waiting for chat-b")
    assert view(starting, said(a="", b=COOKIE)).verdict.reason == "Unreachable"


def test_a_frozen_node_is_no_starting_one_though_it_is_not_ready_any_more():
    assert view([member("a"), member("b", ready=False)], said(a="b", b=FROZEN)).verdict.reason == "NodeFrozen"
    assert view([member("a"), member("b", started=False)], said(a="b", b=FROZEN)).verdict.reason == "Forming"


SILENCE = "the machine worker2 does not answer (since 2026-01-01 12:03 UTC)"
LOST = {"machine": "worker2", "lost": SILENCE, "ready": False}


@pytest.mark.parametrize("failed", [DROPPED, REFUSED])
def test_silent_nodes_on_a_lost_machine_are_told_by_it(failed):
    """They were told as forming, which they had done long before."""
    five = [*members("ab"), *members("cde", **LOST)]
    seen = view(five, said(a="b", b="a", c=failed, d=failed, e=failed), 5)
    assert seen.verdict == (False, "MachineLost", f"chat-c, chat-d, chat-e: {SILENCE}")
    assert (seen.links, seen.expected_links) == (1, 10)


def test_nodes_that_answer_are_in_the_mesh_whatever_is_said_of_their_machine():
    """A kubelet can be gone while its containers run."""
    assert view([*members("a"), member("b", **LOST)], said(a="b", b="a")).verdict.reason == "FullMesh"


def test_when_all_are_lost_nothing_is_known_of_the_mesh():
    assert view([member("a", **LOST)], said(a=DROPPED)).verdict == (None, "MachineLost", f"chat-a: {SILENCE}")


WHERE = {
    "all on it are silent": (
        {"c": "w2", "d": "w2"},
        {"c": DROPPED, "d": DROPPED},
        "chat-c, chat-d on the machine w2, of",
    ),
    "one on it answers": ({"b": "w2", "c": "w2"}, {"b": "a", "c": DROPPED}, "chat-c: "),
    "on two": ({"c": "w2", "d": "w3"}, {"c": DROPPED, "d": DROPPED}, "chat-c, chat-d: "),
    "it answers, and does not let us in": ({"c": "w2"}, {"c": COOKIE}, "chat-c: "),
    "nobody knows where": ({}, {"c": DROPPED}, "chat-c: "),
}


@pytest.mark.parametrize(("machines", "answers", "told"), WHERE.values(), ids=WHERE)
def test_a_machine_of_which_no_node_answers_is_named_before_kubernetes_knows(machines, answers, told):
    known = {"a": "w1", **machines}
    everybody = [member(letter, machine=known.get(letter, "")) for letter in sorted({"a", *answers})]
    seen = view(everybody, said(**{"a": "b" if "b" in answers else "", **answers}))
    assert seen.verdict.reason == "Unreachable"
    assert seen.verdict.message.startswith(told)


def test_pods_that_do_not_exist_yet_are_waited_for():
    assert judged("ab", expected=3, a="b", b="a") == (False, "Forming", "1 pod to come")


def test_a_leaving_pod_is_neither_missed_nor_a_stranger():
    seen = view([*members("ab"), member("c", leaving=True)], said(a="bc", b="a", c=REFUSED))
    assert (seen.verdict.reason, seen.strangers, seen.expected_links) == ("FullMesh", {}, 1)


def test_strangers_are_told_and_consoles_are_not():
    answers = {name("a"): answer("bxr", hidden=frozenset({name("r")})), name("b"): answer("a")}
    seen = view(members("ab"), answers)
    assert seen.strangers == {name("x"): (name("a"),)}


def test_two_clusters_that_one_cookie_has_merged_are_no_full_mesh():
    """It was told as one: whoever has the cookie of another cluster runs code in it."""
    others = [f"shop@{number}" for number in range(5)]
    merged = {name("a"): Answer(frozenset({name("b"), *others}), uptime_seconds=LONG)}
    verdict = view(members("ab"), merged | said(b="a")).verdict
    assert verdict[:2] == (False, "Strangers")
    told = "shop@0, shop@1, shop@2 and 2 more: connected with chat-a, and no pod of this cluster; give each cluster"
    assert verdict.message.startswith(told)


def test_a_node_that_lists_thousands_of_strangers_fills_nobodys_memory():
    crowd = frozenset(f"x@{number}" for number in range(20_000))
    assert len(view(members("a"), {name("a"): Answer(crowd, uptime_seconds=LONG)}).strangers) == MOST_STRANGERS


def partial(letters, unheard=(), **by_letter):
    return view(members(letters), said(**by_letter), None, unheard, "Partial")


def test_in_a_partial_topology_a_missing_link_is_no_fault_and_a_silent_node_is():
    seen = partial("abc", a="b", b="ac", c="b")
    assert seen.verdict[:2] == (True, "NodesAnswer")
    assert (seen.links, seen.expected_links, len(seen.islands)) == (2, 2, 1)
    assert partial("abc", a="", b="", c="").verdict[:2] == (True, "NodesAnswer")
    assert partial("abc", a="b", b="", c="").verdict[:2] == (True, "NodesAnswer")
    assert partial("abc", a="b", b="a", c=FROZEN).verdict.reason == "NodeFrozen"
    assert partial("abc", a="b", b="a", c=DROPPED).verdict.reason == "Unreachable"
    assert partial("a", a="").verdict.message.startswith("the only node is up")
    assert partial("ab", a=REFUSED, b=REFUSED).islands == ()


def test_in_a_partial_topology_a_link_that_both_ends_believe_in_and_hear_nothing_over_is_a_fault():
    seen = partial("abc", {(name("a"), name("b"))}, a="b", b="a", c="")
    assert seen.verdict == (False, "PartialMesh", "connected, but do not hear each other: chat-a and chat-b")
    assert (seen.links, seen.expected_links) == (0, 1)


def test_two_pods_with_one_node_name_are_told():
    twins = [Member("chat-a", name("a")), Member("chat-b", name("a"))]
    seen = view(twins, said(a=""))
    assert seen.duplicates == {name("a"): ("chat-a", "chat-b")}
    assert seen.verdict.message == "pods chat-a and chat-b have the same node name chat@a"


def test_a_mix_of_versions_is_told():
    answers = {name("a"): answer("b", otp_release="25"), name("b"): answer("a", otp_release="26")}
    assert view(members("ab"), answers).versions == {("25", None): (name("a"),), ("26", None): (name("b"),)}


def test_messages_name_a_few_pods_and_count_the_others():
    seen = view(members("abcdefgh"), {name(letter): REFUSED for letter in "bcdefgh"} | said(a=""))
    assert seen.verdict.message.startswith("chat-b, chat-c, chat-d and 4 more: Refused")


LETTERS = "abcdef"
node_answers = st.one_of(
    st.builds(
        answer,
        st.sets(st.sampled_from(LETTERS + "xy")),
        st.sampled_from([1.0, LONG]),
        hidden=st.just(frozenset({name("y")})),
        otp_release=st.sampled_from(["25", "26"]),
    ),
    st.sampled_from([FROZEN, REFUSED, DROPPED, COOKIE]),
)
situations = st.tuples(
    st.lists(
        st.builds(member, st.sampled_from(LETTERS), started=st.booleans(), ready=st.booleans(), leaving=st.booleans()),
        unique_by=lambda item: item.pod,
    ),
    st.dictionaries(st.sampled_from([name(letter) for letter in LETTERS]), node_answers),
)


def model(staying, answers):
    """The same, by looking at every pair."""
    spoken = {node: answers[node].sees for node in staying if isinstance(answers.get(node), Answer)}
    both, one, none = set(), set(), set()
    for left, right in combinations(sorted(spoken), 2):
        there, back = right in spoken[left], left in spoken[right]
        if there and back:
            both.add((left, right))
        elif there or back:
            one.add((left, right) if there else (right, left))
        else:
            none.add((left, right))
    islands = {node: {node} for node in spoken}
    for left, right in both:
        joined = islands[left] | islands[right]
        for node in joined:
            islands[node] = joined
    return both, one, none, {frozenset(island) for island in islands.values()}


@given(situations)
def test_links_and_islands_are_those_of_a_model_that_looks_at_every_pair(situation):
    given_members, answers = situation
    seen = view(given_members, answers)
    staying = {item.node for item in given_members if not item.leaving}
    both, one, none, islands = model(staying, answers)
    assert (seen.links, seen.one_way, seen.missing) == (len(both), one, none)
    assert {frozenset(island) for island in seen.islands} == islands
    assert [len(island) for island in seen.islands] == sorted(map(len, islands), reverse=True)
    assert seen.silent.keys() | seen.sees.keys() == staying


@given(situations)
def test_the_verdict_is_one_of_the_known_and_full_only_where_nothing_is_amiss(situation):
    given_members, answers = situation
    seen = view(given_members, answers)
    assert seen.verdict.reason in REASONS
    assert seen.verdict.message
    assert (seen.verdict.clustered is None) == (seen.verdict.reason == "Unknown")
    complete = bool(seen.members) and not seen.silent and seen.links == seen.expected_links and not seen.strangers
    assert (seen.verdict.clustered is True) == complete


@given(situations)
def test_a_view_does_not_depend_on_the_order_of_the_pods(situation):
    given_members, answers = situation
    assert view(given_members[::-1], answers) == view(given_members, answers)
