"""Requests to a Service, all the time, from a node of another resource."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .user import Namespace

# Some three hundred requests a second, until it is asked how it went.
ASK = """
counters = :counters.new(2, [])
:persistent_term.put(:asked, counters)
options = [:binary, packet: :line, active: false]
request = "GET /livez HTTP/1.1\\r\\nhost: SERVICE\\r\\n\\r\\n"
ask = fn ->
  with {:ok, socket} <- :gen_tcp.connect(~c"SERVICE", 80, options, 2000),
       :ok <- :gen_tcp.send(socket, request),
       {:ok, "HTTP/1.1 200" <> _} <- :gen_tcp.recv(socket, 0, 2000) do
    :gen_tcp.close(socket)
  else
    _ -> :counters.add(counters, 2, 1)
  end
  :counters.add(counters, 1, 1)
  Process.sleep(12)
end
for _ <- 1..4, do: spawn(fn -> Enum.each(Stream.cycle([1]), fn _ -> ask.() end) end)
"""
TELL = "c = :persistent_term.get(:asked); IO.inspect({:asked, :counters.get(c, 1), :lost, :counters.get(c, 2)})"


@dataclass(frozen=True)
class Asker:
    """A pod of the chat that asks."""

    namespace: Namespace
    pod: str

    def start(self, service: str) -> None:
        self.namespace.rpc(self.pod, ASK.replace("SERVICE", service))

    def told(self) -> tuple[int, int]:
        """How many requests there were until now, and how many of them had no answer."""
        said = self.namespace.rpc(self.pod, TELL)
        found = re.search(r"asked, (\d+), :lost, (\d+)", said)
        assert found, said
        return int(found[1]), int(found[2])
