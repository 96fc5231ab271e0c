defmodule StorefrontWeb.Server do
  @moduledoc """
  HTTP/1.1, which stops as Bandit does: the port closes first, connections at rest close at once, and a request
  that is being answered has 15 seconds.
  """
  use Supervisor

  alias StorefrontWeb.{Acceptor, Connections}

  def start_link(options), do: Supervisor.start_link(__MODULE__, options, name: __MODULE__)

  @impl true
  def init(options) do
    Supervisor.init([{DynamicSupervisor, name: Connections}, {Acceptor, options}],
      strategy: :rest_for_one
    )
  end
end

defmodule StorefrontWeb.Acceptor do
  @moduledoc "Owns the port, which closes when this process ends."

  alias StorefrontWeb.{Connection, Connections}

  @options [
    :binary,
    active: false,
    packet: :http_bin,
    backlog: 1024,
    nodelay: true,
    reuseaddr: true,
    send_timeout: 30_000,
    send_timeout_close: true
  ]

  def child_spec(options), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [options]}}

  @doc "Returns when the port is open, or fails as the application does whose port is in use."
  def start_link(options), do: :proc_lib.start_link(__MODULE__, :listen, [options])

  @doc false
  def listen(options) do
    ip = Keyword.get(options, :ip, {127, 0, 0, 1})
    family = if tuple_size(ip) == 8, do: [:inet6], else: []
    {:ok, listening} = :gen_tcp.listen(options[:port], family ++ [ip: ip] ++ @options)
    :proc_lib.init_ack({:ok, self()})
    accept(listening)
  end

  defp accept(listening) do
    {:ok, socket} = :gen_tcp.accept(listening)
    {:ok, connection} = DynamicSupervisor.start_child(Connections, {Connection, socket})
    # The other end may be gone already.
    _ = :gen_tcp.controlling_process(socket, connection)
    send(connection, :yours)
    accept(listening)
  end
end
