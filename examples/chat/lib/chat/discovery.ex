defmodule Chat.Discovery do
  @moduledoc """
  Who lists the nodes of the cluster, and what they are called.

  With libcluster among the dependencies there is nothing to do here. Without it, the same
  settings are read (`config :libcluster, topologies: …`, or `DNS_CLUSTER_QUERY` as dns_cluster
  has it), and nodes get the same names.
  """

  alias Cluster.Strategy.{DNSPoll, Epmd, Kubernetes}

  # query: a DNS name, whose `records` are asked for; or {:pods, namespace, selector}; or {:hosts, nodes}
  @enforce_keys [:query]
  defstruct [:query, :basename, records: [], interval: 5_000]

  @doc "`:libcluster`, or the targets of our own poller: one for each topology it understands."
  def clustering do
    if Code.ensure_loaded?(Cluster.Supervisor), do: :libcluster, else: {:poller, targets()}
  end

  @doc "The nodes that are listed now; none when nobody can be asked."
  def nodes(%__MODULE__{query: {:hosts, hosts}}), do: hosts

  def nodes(%__MODULE__{query: {:pods, namespace, selector}} = target) do
    for ip <- Chat.Pods.addresses(namespace, selector), do: :"#{target.basename}@#{ip}"
  end

  def nodes(%__MODULE__{} = target) do
    for type <- target.records, host <- hosts(target.query, type) do
      :"#{target.basename}@#{host}"
    end
  end

  @doc "Whom a libcluster topology asks, and for what; `nil` for a strategy that is not known here."
  def target(topology, cluster_domain \\ "cluster.local.") do
    config = Keyword.get(topology, :config, [])

    with {records, query, basename} <- question(topology[:strategy], config, cluster_domain) do
      %__MODULE__{
        records: records,
        query: query,
        basename: basename,
        interval: config[:polling_interval] || config[:timeout] || 5_000
      }
    end
  end

  defp question(Kubernetes.DNS, config, _domain),
    do: {[:a], config[:service], config[:application_name]}

  defp question(Kubernetes.DNSSRV, config, domain),
    do: {
      [:srv],
      "#{config[:service]}.#{config[:namespace]}.svc.#{domain}",
      config[:application_name]
    }

  defp question(DNSPoll, config, _domain),
    do: {[:a, :aaaa], config[:query], config[:node_basename]}

  # Of the API's modes and lookups only `ip` and `pods`.
  defp question(Kubernetes, config, _domain),
    do:
      {[], {:pods, config[:kubernetes_namespace], config[:kubernetes_selector]},
       config[:kubernetes_node_basename]}

  defp question(Epmd, config, _domain), do: {[], {:hosts, config[:hosts]}, nil}

  defp question(_strategy, _config, _domain), do: nil

  defp targets do
    domain = System.get_env("CLUSTER_DOMAIN", "cluster.local.")

    case for {_name, topology} <- topologies(), found = target(topology, domain), do: found do
      [] -> dns_cluster(Application.get_env(:chat, :dns_cluster_query))
      found -> found
    end
  end

  defp dns_cluster(query) when query in [nil, ""], do: []

  defp dns_cluster(query) do
    [basename, _host] = node() |> to_string() |> String.split("@")
    [%__MODULE__{records: [:a, :aaaa], query: query, basename: basename}]
  end

  # What `-config` says about an application becomes visible when the application is loaded.
  # libcluster is not in this release, so an empty one takes its place.
  defp topologies do
    :application.load({:application, :libcluster, [vsn: '0', modules: [], registered: []]})
    Application.get_env(:libcluster, :topologies, [])
  end

  # getbyname follows the search list of /etc/resolv.conf: a Service's short name is enough.
  defp hosts(query, type) do
    case :inet_res.getbyname(to_charlist(query), type) do
      {:ok, {:hostent, _name, _aliases, _family, _length, found}} ->
        Enum.map(found, &host(type, &1))

      {:error, _reason} ->
        []
    end
  end

  defp host(:srv, {_priority, _weight, _port, name}), do: name
  defp host(_address, ip), do: :inet.ntoa(ip)
end
