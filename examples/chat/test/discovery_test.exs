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

  test "the API is asked for the pods of a selector" do
    topology = [
      strategy: Cluster.Strategy.Kubernetes,
      config: [
        mode: :ip,
        kubernetes_ip_lookup_mode: :pods,
        kubernetes_node_basename: "chat",
        kubernetes_selector: "app=chat",
        kubernetes_namespace: "talk"
      ]
    ]

    assert %{query: {:pods, "talk", "app=chat"}, basename: "chat"} = Discovery.target(topology)
  end

  test "an answer of the API is read without a JSON library" do
    body =
      ~S({"items":[{"metadata":{"annotations":{"a":"\"podIP\":\"6.6.6.6\""}},) <>
        ~S("status":{"podIP":"10.0.0.7","podIPs":[{"ip":"10.0.0.7"}]}},{"status":{}}]})

    assert Chat.Pods.parse("HTTP/1.0 200 OK\r\n\r\n" <> body) == ["10.0.0.7"]
    assert Chat.Pods.parse("HTTP/1.0 403 Forbidden\r\n\r\n" <> body) == []
  end

  test "names that are given are taken as they are" do
    topology = [strategy: Cluster.Strategy.Epmd, config: [hosts: [:a@b, :c@d], timeout: 2_000]]
    assert %{interval: 2_000} = target = Discovery.target(topology)
    assert Discovery.nodes(target) == [:a@b, :c@d]
  end

  test "a strategy that is not known is left alone" do
    assert Discovery.target(strategy: Cluster.Strategy.Gossip, config: []) == nil
  end
end
