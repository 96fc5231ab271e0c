defmodule StorefrontWeb.Request do
  @moduledoc "An HTTP request, read by the packet parser that the VM has built in. Nobody looks at its body."

  @enforce_keys [:method, :path]
  defstruct [:method, :path, query: "", version: {1, 1}, scheme: :http, host: "", headers: []]

  @patience_ms 15_000
  @largest_body 8_000_000

  @doc "The rest of the request whose first line has come."
  def read(socket, method, target, version) do
    :inet.setopts(socket, active: false)

    with {:ok, headers} <- headers(socket, []),
         [path | query] = String.split(target, "?", parts: 2),
         request = %__MODULE__{
           method: to_string(method),
           path: path,
           query: Enum.join(query),
           version: version,
           headers: headers
         },
         {:ok, host} <- host(request),
         :ok <- pass_body(socket, header(request, "content-length")) do
      {:ok, %{request | host: host}}
    end
  end

  @doc "A header's value, where it was sent once."
  def header(%__MODULE__{headers: headers}, name) do
    case for {^name, value} <- headers, do: value do
      [value] -> value
      _none_or_several -> nil
    end
  end

  @doc "Whether the words of a header, which are separated by commas, have this one among them."
  def says?(%__MODULE__{headers: headers}, name, word) do
    said = for {^name, value} <- headers, said <- String.split(value, ","), do: String.trim(said)
    word in Enum.map(said, &String.downcase/1)
  end

  @doc "Whether its connection stays open."
  def keep_alive?(%__MODULE__{version: {1, 1}} = request),
    do: not says?(request, "connection", "close")

  def keep_alive?(%__MODULE__{} = request), do: says?(request, "connection", "keep-alive")

  defp headers(socket, read) do
    case :gen_tcp.recv(socket, 0, @patience_ms) do
      {:ok, :http_eoh} ->
        {:ok, Enum.reverse(read)}

      {:ok, {:http_header, _, name, _, value}} ->
        headers(socket, [{downcase(name), value} | read])

      {:ok, {:http_error, _line}} ->
        {:refuse, 400}

      {:error, reason} ->
        {:error, reason}
    end
  end

  defp downcase(name), do: name |> to_string() |> String.downcase(:ascii)

  defp host(request) do
    case {header(request, "host"), request.version} do
      {nil, {1, 0}} -> {:ok, ""}
      {nil, _version} -> {:refuse, 400}
      {host, _version} -> {:ok, String.replace(host, ~r/:\d*$/, "")}
    end
  end

  defp pass_body(_socket, nil), do: :ok

  defp pass_body(socket, length) do
    case Integer.parse(length) do
      {0, ""} -> :ok
      {length, ""} when length in 1..@largest_body -> pass(socket, length)
      {_too_long, ""} -> {:refuse, 413}
      _no_number -> {:refuse, 400}
    end
  end

  defp pass(socket, length) do
    :inet.setopts(socket, packet: :raw)
    with {:ok, _body} <- :gen_tcp.recv(socket, length, @patience_ms), do: :ok
  end
end
