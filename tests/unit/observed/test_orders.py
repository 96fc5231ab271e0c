"""The same news in any order comes to the same."""

from __future__ import annotations

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, PODS, SECRETS
from elixircluster.observed.store import Store
from tests.unit.observed.objects import CHAT, meta

KINDS = {"ElixirCluster": CLUSTERS, "ConfigMap": CONFIG_MAPS, "Secret": SECRETS, "Pod": PODS}
NAMES = {"ElixirCluster": "chat", "ConfigMap": "chat-config", "Secret": "chat-cookie", "Pod": "chat-0"}


class ReorderedNews(RuleBasedStateMachine):
    """The API server writes in order; each watch tells in order; answers to our writes come whenever they come."""

    def __init__(self):
        super().__init__()
        self.store = Store()
        self.versions = itertools.count(95)
        self.stored = {}
        self.news = {kind: [] for kind in KINDS}
        self.answers = []

    @rule(kind=st.sampled_from(sorted(KINDS)), ours=st.booleans())
    def somebody_writes(self, kind, ours):
        version = next(self.versions)
        uid = self.stored[kind]["metadata"]["uid"] if kind in self.stored else f"uid-{version}"
        owner, label = ("", "") if kind == "ElixirCluster" else ("" if kind == "Pod" else "chat", "chat")
        body = {"metadata": meta(NAMES[kind], version, uid=uid, owner=owner, label=label), "spec": {}}
        self.stored[kind] = body
        self.news[kind].append(("MODIFIED", body))
        if ours:
            self.answers.append((kind, body))

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def somebody_deletes(self, kind):
        if kind in self.stored:
            body = self.stored.pop(kind)
            last = {**body, "metadata": {**body["metadata"], "resourceVersion": str(next(self.versions))}}
            self.news[kind].append(("DELETED", last))

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def a_watch_tells(self, kind):
        if self.news[kind]:
            self.tell(kind, *self.news[kind].pop(0))

    @rule(data=st.data())
    def an_answer_comes(self, data):
        if self.answers:
            kind, body = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
            self.store.see(KINDS[kind], body)

    def tell(self, kind, event, body):
        (self.store.forget if event == "DELETED" else self.store.see)(KINDS[kind], body)

    def seen(self):
        found = {
            "ElixirCluster": (self.store.cluster(CHAT) or {}).get("metadata", {}).get("uid"),
            **{child.kind: child.uid for child in self.store.children(CHAT).values()},
            "Pod": next((pod.uid for pod in self.store.observed(CHAT).unclaimed), None),
        }
        return {kind: uid for kind, uid in found.items() if uid}

    @invariant()
    def all_news_told_is_the_truth(self):
        if not any(self.news.values()):
            assert self.seen() == {kind: body["metadata"]["uid"] for kind, body in self.stored.items()}

    def teardown(self):
        for kind, body in self.answers:
            self.store.see(KINDS[kind], body)
        for kind, events in self.news.items():
            for event, body in events:
                self.tell(kind, event, body)
            events.clear()
        for kind, body in self.answers:
            self.store.see(KINDS[kind], body)
        self.all_news_told_is_the_truth()


TestReorderedNews = ReorderedNews.TestCase
TestReorderedNews.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
