defmodule Chat.Routes do
  @moduledoc "What the chat answers: `answer(method, path, body)` is `{status, type, body}`."

  alias Chat.{JSON, Room}

  @help """
  GET  /messages   what was said, on any node
  POST /messages   say something: curl -d 'hello' …/messages
  GET  /nodes      this node and its peers
  GET  /state      this node's view of everything
  GET  /version    the release's version
  GET  /livez      200 as long as the VM answers
  GET  /readyz     200 until the node has been told to stop, then 503
  """

  def answer("GET", "/", _body), do: {200, "text/plain", [welcome(), @help]}
  def answer("GET", "/livez", _body), do: {200, "text/plain", "ok\n"}
  def answer("GET", "/readyz", _body), do: ready(Chat.draining?())
  def answer("GET", "/version", _body), do: {200, "text/plain", Chat.version()}
  def answer("GET", "/nodes", _body), do: json(200, Chat.nodes())
  def answer("GET", "/messages", _body), do: json(200, Enum.map(Room.messages(), &message/1))
  def answer("GET", "/state", _body), do: json(200, state())
  def answer("POST", "/messages", body), do: post(String.trim(body))
  def answer(_method, _path, _body), do: {404, "text/plain", "not found\n"}

  defp welcome do
    with path when is_binary(path) <- Application.get_env(:chat, :welcome_file),
         {:ok, text} <- File.read(path) do
      text
    else
      _ -> ""
    end
  end

  defp ready(false), do: {200, "text/plain", "ok\n"}
  defp ready(true), do: {503, "text/plain", "draining\n"}

  defp post(text) do
    if text != "" and String.valid?(text),
      do: json(201, text |> Room.post() |> message()),
      else: {400, "text/plain", "the body is the message: some UTF-8 text\n"}
  end

  defp state do
    %{
      node: node(),
      version: Chat.version(),
      otp: :otp_release |> :erlang.system_info() |> to_string(),
      elixir: System.version(),
      nodes: Chat.nodes(),
      rooms: Room.members() |> Enum.map(&node/1) |> Enum.sort(),
      messages: length(Room.messages()),
      draining: Chat.draining?()
    }
  end

  defp message(%{id: {at, _node, _n}, node: node, text: text}) do
    %{
      at: at |> DateTime.from_unix!(:microsecond) |> DateTime.to_iso8601(),
      node: node,
      text: text
    }
  end

  defp json(status, value), do: {status, "application/json", [JSON.encode(value), ?\n]}
end
