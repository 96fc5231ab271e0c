defmodule StorefrontWebTest do
  use ExUnit.Case

  alias StorefrontWeb.{Drainer, Server, Sockets}

  @moduletag :capture_log
  @forwarded "x-forwarded-proto: https\r\n"
  @upgrade @forwarded <>
             "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n" <>
             "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

  # The endpoint of the application has no server here; each test has one of its own, on a port of its own.
  setup context do
    {:ok, listening} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(listening)
    :ok = :gen_tcp.close(listening)
    Process.put(:port, port)

    unless context[:unserved] do
      start_supervised!({Server, port: port}, restart: :temporary)
      start_supervised!(Drainer)
    end

    :ok
  end

  test "a request without TLS is sent to the shop's own host, with what it asked for" do
    head = request("GET", "/up?deep=1", "host: 10.0.0.7:4000\r\n")
    assert head =~ "HTTP/1.1 301 Moved Permanently\r\n"
    assert head =~ "location: https://localhost/up?deep=1\r\n"
    assert request("POST", "/", "host: 10.0.0.7\r\n") =~ "HTTP/1.1 307 "
  end

  test "a request that came to a proxy by TLS is answered, and told to stay with TLS" do
    head = request("GET", "/up", "host: 10.0.0.7\r\n" <> @forwarded)
    assert head =~ "HTTP/1.1 200 OK\r\n"
    assert head =~ "strict-transport-security: max-age=31536000\r\n"
  end

  test "a header that two proxies have sent counts as none" do
    assert request("GET", "/up", "host: shop\r\n" <> @forwarded <> @forwarded) =~ "HTTP/1.1 301 "
  end

  test "localhost is left alone, so that a port-forward shows the shop" do
    assert request("GET", "/up", "host: localhost:4000\r\n") =~ "HTTP/1.1 200 "
    assert request("GET", "/nothing", "host: 127.0.0.1\r\n") =~ "HTTP/1.1 404 "
    assert request("GET", "/up", "") =~ "HTTP/1.1 400 "
  end

  test "a connection serves one request after the other, bodies or not" do
    socket = connect()
    post = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello"
    :ok = :gen_tcp.send(socket, post <> "HEAD /up HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert head(socket) =~ "HTTP/1.1 404 "
    assert {:ok, "Not Found"} = :gen_tcp.recv(socket, 9, 1000)
    assert head(socket) =~ "content-length: 3\r\n"

    :ok =
      :gen_tcp.send(socket, "GET /up HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")

    assert head(socket) =~ "HTTP/1.1 200 "
    assert {:ok, "ok\n"} = :gen_tcp.recv(socket, 0, 1000)
    assert {:error, :closed} = :gen_tcp.recv(socket, 0, 1000)
  end

  test "a WebSocket of another origin is refused, and one that names none is not" do
    assert request(
             "GET",
             "/live/websocket",
             "host: shop\r\norigin: https://evil.test\r\n" <> @upgrade
           ) =~ "HTTP/1.1 403 "

    head =
      request("GET", "/live/websocket", "host: shop\r\norigin: https://localhost\r\n" <> @upgrade)

    assert head =~ "HTTP/1.1 101 "
    # The example of RFC 6455, 1.3.
    assert head =~ "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    assert request("GET", "/live/websocket", "host: shop\r\n" <> @upgrade) =~ "HTTP/1.1 101 "
    assert request("GET", "/live/websocket", "host: shop\r\n" <> @forwarded) =~ "HTTP/1.1 400 "
    assert request("GET", "/live/websocket", "host: shop\r\n") =~ "HTTP/1.1 301 "
  end

  test "a WebSocket pushes, and sends back what it is sent, in pieces as well" do
    socket = websocket()
    assert {:text, push} = frame(socket)
    assert push =~ ~s("version":"#{Storefront.version()}")
    # The example of RFC 6455, 5.7.
    hello = <<0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58>>
    :ok = :gen_tcp.send(socket, hello)
    assert frame(socket) == {:text, "Hello"}
    say(socket, <<0x01>>, "one, ")
    say(socket, <<0x89>>, "ping")
    say(socket, <<0x80>>, String.duplicate("two", 100))
    assert {:pong, "ping"} = frame(socket)
    assert frame(socket) == {:text, "one, " <> String.duplicate("two", 100)}
  end

  for {what, first, payload, code} <- [
        {"text that is none", 0x81, <<255>>, 1007},
        {"a reserved bit", 0xC1, "a", 1002},
        {"a piece of nothing", 0x80, "a", 1002},
        {"a goodbye", 0x88, <<1001::16>>, 1000}
      ] do
    test "a WebSocket that is sent #{what} closes with #{code}" do
      socket = websocket()
      {:text, _push} = frame(socket)
      say(socket, <<unquote(first)>>, unquote(payload))
      assert frame(socket) == {:close, <<unquote(code)::16>>}
      assert {:error, :closed} = :gen_tcp.recv(socket, 0, 1000)
    end
  end

  test "who stops tells WebSockets to come back, and the port is still open then" do
    socket = websocket()
    {:text, _push} = frame(socket)
    :ok = stop_supervised(Drainer)
    assert frame(socket) == {:close, <<1012::16>>}
    assert request("GET", "/up", "host: localhost\r\n") =~ "HTTP/1.1 200 "
  end

  test "a server that stops answers what it was asked, closes what is at rest, and lets nobody in" do
    resting = connect()
    asking = connect()
    :ok = :gen_tcp.send(asking, "GET /checkout?ms=500 HTTP/1.1\r\nhost: localhost\r\n\r\n")
    until(fn -> Enum.count(DynamicSupervisor.which_children(StorefrontWeb.Connections)) == 2 end)
    stopping = Task.async(fn -> Supervisor.stop(Server, :shutdown) end)
    assert {:error, :closed} = :gen_tcp.recv(resting, 0, 1000)
    assert {:error, :econnrefused} = :gen_tcp.connect(~c"127.0.0.1", Process.get(:port), [])
    assert head(asking) =~ "HTTP/1.1 200 "
    assert {:ok, "thank you\n"} = :gen_tcp.recv(asking, 0, 1000)
    assert Task.await(stopping) == :ok
  end

  test "a WebSocket that was told nothing closes with the server" do
    socket = websocket()
    {:text, _push} = frame(socket)
    until(fn -> Registry.count(Sockets) == 1 end)
    :ok = stop_supervised(Server)
    assert frame(socket) == {:close, <<1000::16>>}
  end

  @tag :unserved
  test "a port in use fails the start" do
    {:ok, taken} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(taken)
    assert {:error, {{:shutdown, _}, _}} = start_supervised({Server, port: port})
  end

  defp connect do
    {:ok, socket} = :gen_tcp.connect(~c"127.0.0.1", Process.get(:port), [:binary, active: false])
    socket
  end

  defp request(method, target, headers) do
    socket = connect()
    :ok = :gen_tcp.send(socket, "#{method} #{target} HTTP/1.1\r\n#{headers}\r\n")
    head(socket)
  end

  defp head(socket, read \\ "") do
    if String.ends_with?(read, "\r\n\r\n") do
      read
    else
      {:ok, byte} = :gen_tcp.recv(socket, 1, 2000)
      head(socket, read <> byte)
    end
  end

  defp websocket do
    socket = connect()
    :ok = :gen_tcp.send(socket, "GET /live/websocket HTTP/1.1\r\nhost: shop\r\n#{@upgrade}\r\n")
    "HTTP/1.1 101 " <> _ = head(socket)
    socket
  end

  # Masked with zeros: the key is the client's choice.
  defp say(socket, first, payload) do
    size = byte_size(payload)
    length = if size < 126, do: <<1::1, size::7>>, else: <<1::1, 126::7, size::16>>
    :ok = :gen_tcp.send(socket, [first, length, <<0::32>>, payload])
  end

  defp frame(socket) do
    names = %{1 => :text, 2 => :binary, 8 => :close, 10 => :pong}
    {:ok, <<1::1, 0::3, opcode::4, length>>} = :gen_tcp.recv(socket, 2, 2000)
    {names[opcode], payload(socket, length)}
  end

  defp payload(_socket, 0), do: ""

  defp payload(socket, 126) do
    {:ok, <<length::16>>} = :gen_tcp.recv(socket, 2, 2000)
    payload(socket, length)
  end

  defp payload(socket, length) do
    {:ok, payload} = :gen_tcp.recv(socket, length, 2000)
    payload
  end

  defp until(check), do: unless(check.(), do: until(check))
end
