defmodule Chat.Pods do
  @moduledoc """
  Asks the Kubernetes API for the addresses of pods, as the ServiceAccount of this one.

  One request over TLS, and one expression for JSON; a real application has libcluster and Jason here.
  """

  @host 'kubernetes.default.svc'
  @account "/var/run/secrets/kubernetes.io/serviceaccount"
  @patience_ms 15_000

  @doc "The addresses of the pods that match a selector; none when the API cannot or may not be asked."
  def addresses(namespace, selector) do
    path = "/api/v1/namespaces/#{namespace}/pods?" <> URI.encode_query(labelSelector: selector)

    with {:ok, token} <- File.read(Path.join(@account, "token")),
         {:ok, answer} <- get(path, token) do
      parse(answer)
    else
      {:error, _reason} -> []
    end
  end

  @doc "The addresses in an answer."
  def parse("HTTP/1.0 200" <> rest),
    do: ~r/"podIP":"([^"]+)"/ |> Regex.scan(rest, capture: :all_but_first) |> Enum.concat()

  def parse(_refused), do: []

  # HTTP/1.0: the answer ends where the connection does.
  defp get(path, token) do
    request =
      "GET #{path} HTTP/1.0\r\nhost: #{@host}\r\nauthorization: Bearer #{token}\r\n" <>
        "accept: application/json\r\n\r\n"

    with {:ok, socket} <- :ssl.connect(@host, 443, options(), @patience_ms),
         :ok <- :ssl.send(socket, request) do
      receive_all(socket, [])
    end
  end

  defp receive_all(socket, received) do
    case :ssl.recv(socket, 0, @patience_ms) do
      {:ok, more} -> receive_all(socket, [received, more])
      {:error, :closed} -> {:ok, IO.iodata_to_binary(received)}
      {:error, reason} -> {:error, reason}
    end
  end

  # The host's name is checked as well: it is in the API server's certificate.
  defp options,
    do: [
      :binary,
      active: false,
      verify: :verify_peer,
      cacertfile: Path.join(@account, "ca.crt")
    ]
end
