defmodule Chat.Listener do
  @moduledoc """
  HTTP/1.1 with the packet parser that the VM has built in: one request a connection.

  A real application has Bandit or Cowboy here. Connections that are being answered when the
  node stops belong to `Chat.Connections`, which waits for them.
  """
  use Task, restart: :permanent

  @patience_ms 5_000
  @largest_body 4_096
  @reasons %{
    200 => "OK",
    201 => "Created",
    400 => "Bad Request",
    404 => "Not Found",
    413 => "Content Too Large",
    503 => "Service Unavailable"
  }

  def start_link(_), do: Task.start_link(__MODULE__, :listen, [])

  def listen do
    {:ok, ip} =
      :chat |> Application.fetch_env!(:http_ip) |> to_charlist() |> :inet.parse_address()

    family = if tuple_size(ip) == 8, do: [:inet6], else: []
    options = [:binary, packet: :http_bin, active: false, reuseaddr: true, backlog: 128, ip: ip]
    port = Application.fetch_env!(:chat, :http_port)
    {:ok, listening} = :gen_tcp.listen(port, family ++ options)
    accept(listening)
  end

  defp accept(listening) do
    {:ok, socket} = :gen_tcp.accept(listening)

    {:ok, pid} =
      Task.Supervisor.start_child(Chat.Connections, fn ->
        receive do: (:yours -> serve(socket))
      end)

    case :gen_tcp.controlling_process(socket, pid) do
      :ok -> send(pid, :yours)
      {:error, _gone} -> Task.Supervisor.terminate_child(Chat.Connections, pid)
    end

    accept(listening)
  end

  defp serve(socket) do
    with {:ok, method, path} <- request_line(socket),
         {:ok, length} <- headers(socket, 0),
         {:ok, body} <- body(socket, length) do
      {status, type, answer} = Chat.Routes.answer(method, path, body)
      reply(socket, status, type, answer)
    else
      {:reject, status} -> reply(socket, status, "text/plain", @reasons[status])
      {:error, _closed} -> :ok
    end

    :gen_tcp.close(socket)
  end

  defp request_line(socket) do
    case :gen_tcp.recv(socket, 0, @patience_ms) do
      {:ok, {:http_request, method, {:abs_path, target}, _version}} ->
        {:ok, to_string(method), target |> String.split("?") |> hd()}

      {:ok, _other} ->
        {:reject, 400}

      error ->
        error
    end
  end

  defp headers(socket, length) do
    case :gen_tcp.recv(socket, 0, @patience_ms) do
      {:ok, :http_eoh} -> {:ok, length}
      {:ok, {:http_header, _, :"Content-Length", _, value}} -> content_length(socket, value)
      {:ok, {:http_header, _, _name, _, _value}} -> headers(socket, length)
      {:ok, {:http_error, _line}} -> {:reject, 400}
      error -> error
    end
  end

  defp content_length(socket, value) do
    case Integer.parse(value) do
      {length, ""} when length in 0..@largest_body -> headers(socket, length)
      {_too_long, ""} -> {:reject, 413}
      _ -> {:reject, 400}
    end
  end

  defp body(_socket, 0), do: {:ok, ""}

  defp body(socket, length) do
    :ok = :inet.setopts(socket, packet: :raw)
    :gen_tcp.recv(socket, length, @patience_ms)
  end

  defp reply(socket, status, type, answer) do
    :gen_tcp.send(socket, [
      "HTTP/1.1 #{status} #{@reasons[status]}\r\n",
      "content-type: #{type}\r\n",
      "content-length: #{IO.iodata_length(answer)}\r\n",
      "connection: close\r\n\r\n",
      answer
    ])
  end
end
