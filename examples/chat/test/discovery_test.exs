defmodule Chat.DiscoveryTest do
  use ExUnit.Case, async: true

  alias Chat.Discovery

  test "DNS asks for the A records of the Service, by its short name" do
    topology = [
      strategy: Cluster.Strategy.Kubernetes.DNS,
      config: [service: "chat-nodes", application_name: "chat", polling_interval: 2_000]
    ]

    assert %{records: [:a], query: "chat-nodes", basename: "chat", interval: 2_000} =
             Discovery.target(topology)
  end

  test "DNSSRV asks for the SRV records of the Service, by its full name" do
    topology = [
      strategy: Cluster.Strategy.Kubernetes.DNSSRV,
      config: [service: "chat-nodes", namespace: "talk", application_name: "chat"]
    ]

    assert %{records: [:srv], query: "chat-nodes.talk.svc.example.org", interval: 5_000} =
             Discovery.target(topology, "example.org")
  end

  test "DNSPoll asks for both address families" do
    topology = [
      strategy: Cluster.Strategy.DNSPoll,
      config: [query: "chat.example.org", node_basename: "chat"]
    ]

    assert %{records: [:a, :aaaa], query: "chat.example.org"} = Discovery.target(topology)
  end

  test "a strategy that does not use DNS is left alone" do
    assert Discovery.target(strategy: Cluster.Strategy.Epmd, config: [hosts: []]) == nil
  end
end
