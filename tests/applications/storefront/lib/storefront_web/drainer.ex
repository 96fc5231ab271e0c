defmodule StorefrontWeb.Drainer do
  @moduledoc "Ends before the server does, and tells every WebSocket to come back, as Phoenix's does by each channel."
  use GenServer, shutdown: 30_000

  def start_link(_), do: GenServer.start_link(__MODULE__, nil)

  @impl true
  def init(nil) do
    Process.flag(:trap_exit, true)
    {:ok, nil}
  end

  @impl true
  def terminate(_reason, nil) do
    Registry.dispatch(StorefrontWeb.Sockets, :open, fn open ->
      for {socket, _} <- open, do: send(socket, :socket_drain)
    end)
  end
end
