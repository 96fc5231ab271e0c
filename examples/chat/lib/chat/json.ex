defmodule Chat.JSON do
  @moduledoc "Just enough JSON to answer with; a real application takes Jason."

  def encode(nil), do: "null"
  def encode(value) when is_boolean(value) or is_integer(value), do: to_string(value)
  def encode(value) when is_atom(value), do: value |> to_string() |> encode()
  def encode(value) when is_binary(value), do: [?", for(<<c::utf8 <- value>>, do: escape(c)), ?"]
  def encode(value) when is_list(value), do: [?[, Enum.map_intersperse(value, ?,, &encode/1), ?]]

  def encode(value) when is_map(value) do
    pairs = for {key, item} <- Enum.sort(value), do: [encode(to_string(key)), ?:, encode(item)]
    [?{, Enum.intersperse(pairs, ?,), ?}]
  end

  defp escape(c) when c in [?", ?\\], do: [?\\, c]
  defp escape(?\n), do: "\\n"
  defp escape(c) when c < 0x20, do: :io_lib.format("\\u~4.16.0b", [c])
  defp escape(c), do: <<c::utf8>>
end
