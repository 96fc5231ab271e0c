defmodule StorefrontWeb.Socket do
  @moduledoc """
  A WebSocket: it sends back what it is sent, and once a second says which node and version it is connected to.

  Told to drain it closes with 1012, by which a client of Phoenix knows to come back; one that is still open when the
  server ends closes with 1000.
  """
  use GenServer
  require Logger

  alias StorefrontWeb.{Frame, Request}

  @accepted "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  @push_ms 1_000
  @silence_ms 60_000

  @enforce_keys [:socket, :silence]
  defstruct [:socket, :silence, :unfinished, buffer: "", closing?: false]

  @doc "The answer to a request for a WebSocket: first comes its origin, as in Phoenix."
  def handshake(%Request{method: "GET"} = request, host) do
    origin = Request.header(request, "origin")

    cond do
      not allowed?(origin, host) -> forbid(origin)
      not wellformed?(request) -> {400, [], ""}
      true -> {:upgrade, upgrade(Request.header(request, "sec-websocket-key"))}
    end
  end

  def handshake(%Request{}, _host), do: {400, [], ""}

  @doc "The process of an HTTP connection becomes the WebSocket's."
  def take_over(socket) do
    {:ok, _} = Registry.register(StorefrontWeb.Sockets, :open, nil)
    :inet.setopts(socket, packet: :raw, active: :once)
    send(self(), :push)
    :gen_server.enter_loop(__MODULE__, [], %__MODULE__{socket: socket, silence: silence()})
  end

  @impl true
  def init(state), do: {:ok, state}

  @impl true
  def handle_info({:tcp, socket, data}, %{socket: socket} = state) do
    _ = :erlang.cancel_timer(state.silence)

    case frames(%{state | buffer: state.buffer <> data, silence: silence()}) do
      {:ok, state} ->
        :inet.setopts(socket, active: :once)
        {:noreply, state}

      {:close, code, state} ->
        {:stop, {:shutdown, :local_closed}, close(state, code)}
    end
  end

  def handle_info({:tcp_closed, socket}, %{socket: socket} = state),
    do: {:stop, {:shutdown, :peer_closed}, state}

  def handle_info({:tcp_error, socket, reason}, %{socket: socket} = state),
    do: {:stop, {:shutdown, reason}, state}

  # The port ends with the connection where a send takes too long.
  def handle_info({:EXIT, socket, _reason}, %{socket: socket} = state),
    do: {:stop, {:shutdown, :peer_closed}, state}

  def handle_info({:timeout, silence, :silence}, %{silence: silence} = state),
    do: {:stop, {:shutdown, :read_timeout}, close(state, 1002)}

  def handle_info({:timeout, _earlier, :silence}, state), do: {:noreply, state}
  def handle_info(:socket_drain, state), do: {:noreply, close(state, 1012)}
  def handle_info(:push, %{closing?: true} = state), do: {:noreply, state}

  def handle_info(:push, state) do
    Process.send_after(self(), :push, @push_ms)
    push(state, :text, ~s({"node":"#{node()}","version":"#{Storefront.version()}"}))
    {:noreply, state}
  end

  @impl true
  def terminate(:shutdown, state), do: close(state, 1000)
  def terminate(_reason, state), do: state

  # As check_origin: true does, by the host alone. Who says nothing is no browser.
  defp allowed?(nil, _host), do: true
  defp allowed?(origin, host), do: URI.parse(origin).host == host

  defp forbid(origin) do
    Logger.error("""
    Could not check origin for Phoenix.Socket transport.

    Origin of the request: #{origin}
    """)

    {403, [], ""}
  end

  defp wellformed?(request) do
    Request.says?(request, "connection", "upgrade") and
      Request.says?(request, "upgrade", "websocket") and
      Request.header(request, "sec-websocket-version") == "13" and
      Request.header(request, "sec-websocket-key") != nil
  end

  defp upgrade(key) do
    accepted = Base.encode64(:crypto.hash(:sha, key <> @accepted))
    [{"upgrade", "websocket"}, {"connection", "Upgrade"}, {"sec-websocket-accept", accepted}]
  end

  defp frames(state) do
    case Frame.decode(state.buffer) do
      {:ok, frame, rest} ->
        with {:ok, state} <- frame(frame, %{state | buffer: rest}), do: frames(state)

      {:error, code} ->
        {:close, code, state}

      :more ->
        {:ok, state}
    end
  end

  defp frame({:close, true, _payload}, state), do: {:close, 1000, state}
  defp frame(_any, %{closing?: true} = state), do: {:ok, state}
  defp frame({:ping, true, payload}, state), do: push(state, :pong, payload)
  defp frame({:pong, true, _payload}, state), do: {:ok, state}

  defp frame({kind, true, payload}, %{unfinished: nil} = state) when kind in [:text, :binary],
    do: message(state, kind, payload)

  defp frame({kind, false, payload}, %{unfinished: nil} = state) when kind in [:text, :binary],
    do: {:ok, %{state | unfinished: {kind, payload}}}

  defp frame({:continuation, true, payload}, %{unfinished: {kind, begun}} = state),
    do: message(%{state | unfinished: nil}, kind, begun <> payload)

  defp frame({:continuation, false, payload}, %{unfinished: {kind, begun}} = state),
    do: {:ok, %{state | unfinished: {kind, begun <> payload}}}

  defp frame(_out_of_order, state), do: {:close, 1002, state}

  defp message(state, :text, payload) do
    if String.valid?(payload), do: push(state, :text, payload), else: {:close, 1007, state}
  end

  defp message(state, :binary, payload), do: push(state, :binary, payload)

  defp push(state, kind, payload) do
    :gen_tcp.send(state.socket, Frame.encode(kind, payload))
    {:ok, state}
  end

  defp close(%{closing?: true} = state, _code), do: state

  defp close(state, code) do
    :gen_tcp.send(state.socket, Frame.close(code))
    %{state | closing?: true}
  end

  defp silence, do: :erlang.start_timer(@silence_ms, self(), :silence)
end
