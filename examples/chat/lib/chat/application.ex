defmodule Chat.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    children =
      [
        %{id: :pg, start: {:pg, :start_link, [Chat.Room.scope()]}},
        Chat.Room,
        {Task.Supervisor, name: Chat.Connections},
        Chat.Listener
      ] ++ clustering(Chat.Discovery.clustering())

    Supervisor.start_link(children, strategy: :rest_for_one, name: Chat.Supervisor)
  end

  # On SIGTERM, before the supervision tree stops: the node turns unready and serves on for a
  # moment, so that nobody is sent to a closed port.
  @impl true
  def prep_stop(state) do
    Chat.drain()
    Process.sleep(Application.fetch_env!(:chat, :drain_ms))
    state
  end

  defp clustering(:libcluster) do
    topologies = Application.get_env(:libcluster, :topologies, [])
    [{Cluster.Supervisor, [topologies, [name: Chat.ClusterSupervisor]]}]
  end

  defp clustering({:poller, targets}) do
    for target <- targets, do: {Chat.Poller, target}
  end
end
