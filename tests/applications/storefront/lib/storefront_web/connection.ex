defmodule StorefrontWeb.Connection do
  @moduledoc """
  A client's connection, with one request after the other.

  It traps exits. So the end of the server is a message like any other, which waits until a request is answered.
  """
  use GenServer, restart: :temporary, shutdown: 15_000

  alias StorefrontWeb.{Endpoint, Request, Socket}

  @idle_ms 60_000
  @reasons %{
    101 => "Switching Protocols",
    200 => "OK",
    301 => "Moved Permanently",
    307 => "Temporary Redirect",
    400 => "Bad Request",
    403 => "Forbidden",
    404 => "Not Found",
    413 => "Content Too Large"
  }

  def start_link(socket), do: GenServer.start_link(__MODULE__, socket)

  @impl true
  def init(socket) do
    Process.flag(:trap_exit, true)
    {:ok, socket}
  end

  @impl true
  def handle_info(:yours, socket), do: next_request(socket)

  def handle_info({:http, socket, {:http_request, method, {:abs_path, target}, version}}, socket) do
    case Request.read(socket, method, target, version) do
      {:ok, request} -> answer(request, Endpoint.call(request), socket)
      {:refuse, status} -> refuse(status, socket)
      {:error, reason} -> {:stop, {:shutdown, reason}, socket}
    end
  end

  # RFC 9112, 2.2: an empty line before a request is nothing.
  def handle_info({:http, socket, {:http_error, "\r\n"}}, socket), do: next_request(socket)
  def handle_info({:http, socket, _other}, socket), do: refuse(400, socket)
  def handle_info({:tcp_closed, socket}, socket), do: {:stop, {:shutdown, :peer_closed}, socket}

  def handle_info({:tcp_error, socket, reason}, socket),
    do: {:stop, {:shutdown, reason}, socket}

  # The port ends with the connection where a send takes too long.
  def handle_info({:EXIT, socket, _reason}, socket),
    do: {:stop, {:shutdown, :peer_closed}, socket}

  def handle_info(:timeout, socket), do: {:stop, {:shutdown, :read_timeout}, socket}

  defp next_request(socket) do
    :inet.setopts(socket, packet: :http_bin, active: :once)
    {:noreply, socket, @idle_ms}
  end

  defp answer(_request, {:upgrade, headers}, socket) do
    send_head(socket, 101, headers)
    Socket.take_over(socket)
  end

  defp answer(request, {status, headers, body}, socket) do
    keep? = Request.keep_alive?(request)
    headers = if keep?, do: headers, else: [{"connection", "close"} | headers]
    reply(socket, status, headers, body, request.method)
    if keep?, do: next_request(socket), else: {:stop, {:shutdown, :local_closed}, socket}
  end

  defp refuse(status, socket) do
    reply(socket, status, [{"connection", "close"}], "", "GET")
    {:stop, {:shutdown, :local_closed}, socket}
  end

  defp reply(socket, status, headers, body, method) do
    length = {"content-length", body |> IO.iodata_length() |> to_string()}
    cache = {"cache-control", "max-age=0, private, must-revalidate"}
    send_head(socket, status, [length, cache | headers], if(method == "HEAD", do: "", else: body))
  end

  defp send_head(socket, status, headers, body \\ "") do
    date = {"date", Calendar.strftime(DateTime.utc_now(), "%a, %d %b %Y %H:%M:%S GMT")}
    lines = for {name, value} <- [date | headers], do: [name, ": ", value, "\r\n"]
    :gen_tcp.send(socket, ["HTTP/1.1 #{status} #{@reasons[status]}\r\n", lines, "\r\n", body])
  end
end
