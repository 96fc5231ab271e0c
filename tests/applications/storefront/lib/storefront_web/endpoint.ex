defmodule StorefrontWeb.Endpoint do
  @moduledoc """
  What stands between the port and the router, in Phoenix's order: TLS, sockets, then the router.

  An answer is `{status, headers, body}`, or `{:upgrade, headers}` for a connection that becomes a WebSocket.
  """
  use Supervisor
  require Logger

  alias StorefrontWeb.{ForceSSL, Request, Router, Socket}

  def start_link(_) do
    config = Application.fetch_env!(:storefront, __MODULE__)

    with {:ok, pid} <- Supervisor.start_link(__MODULE__, config, name: __MODULE__) do
      if config[:server], do: Logger.info("Access #{inspect(__MODULE__)} at https://#{host()}")
      {:ok, pid}
    end
  end

  # Stopped from the last to the first: sockets are told to come back while the port is still open.
  @impl true
  def init(config) do
    serving =
      if config[:server], do: [{StorefrontWeb.Server, config[:http]}, StorefrontWeb.Drainer]

    children = [{Registry, keys: :duplicate, name: StorefrontWeb.Sockets} | serving || []]
    Supervisor.init(children, strategy: :one_for_one)
  end

  @doc "The host by which people reach the shop."
  def host, do: :storefront |> Application.fetch_env!(__MODULE__) |> get_in([:url, :host])

  @doc "The answer to a request."
  def call(%Request{} = request) do
    with {:ok, request, headers} <- ForceSSL.call(request, host()) do
      case dispatch(request) do
        {:upgrade, more} -> {:upgrade, headers ++ more}
        {status, more, body} -> {status, headers ++ more, body}
      end
    end
  end

  defp dispatch(%{path: "/live/websocket"} = request), do: Socket.handshake(request, host())
  defp dispatch(%{method: "HEAD"} = request), do: Router.call(%{request | method: "GET"})
  defp dispatch(request), do: Router.call(request)
end
