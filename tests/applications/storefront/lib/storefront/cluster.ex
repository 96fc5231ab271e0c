defmodule Storefront.Cluster do
  @moduledoc "Connects to the nodes that DNS lists, every five seconds, as `DNSCluster` does."
  use GenServer
  require Logger

  @interval_ms 5_000
  @connect_timeout_ms 10_000

  def start_link(query: :ignore), do: :ignore
  def start_link(query: query), do: GenServer.start_link(__MODULE__, query, name: __MODULE__)

  @impl true
  def init(query), do: {:ok, to_charlist(query), {:continue, :discover}}

  @impl true
  def handle_continue(:discover, query), do: {:noreply, discover(query)}

  @impl true
  def handle_info(:discover, query), do: {:noreply, discover(query)}

  defp discover(query) do
    [basename, _host] = node() |> to_string() |> String.split("@")
    listed = for type <- [:a, :aaaa], ip <- addresses(query, type), do: :"#{basename}@#{ip}"
    missing = listed -- [node() | Node.list()]

    missing
    |> Task.async_stream(&connect/1,
      max_concurrency: max(1, length(missing)),
      timeout: @connect_timeout_ms,
      on_timeout: :kill_task
    )
    |> Stream.run()

    Process.send_after(self(), :discover, @interval_ms)
    query
  end

  defp connect(name) do
    if Node.connect(name) == true, do: Logger.info("#{node()} connected to #{name}")
  end

  defp addresses(query, type) do
    case :inet_res.getbyname(query, type) do
      {:ok, {:hostent, _name, _aliases, _family, _length, found}} ->
        Enum.map(found, &:inet.ntoa/1)

      {:error, _reason} ->
        []
    end
  end
end
