defmodule StorefrontWeb.Frame do
  @moduledoc "The frames of RFC 6455: `{opcode, final?, payload}`."

  @largest 8_000_000
  @names %{0 => :continuation, 1 => :text, 2 => :binary, 8 => :close, 9 => :ping, 10 => :pong}
  @numbers Map.new(@names, fn {number, name} -> {name, number} end)

  @doc "The first frame that a client has sent, and what is left; or the code with which to refuse it."
  def decode(<<_head, 1::1, length::7, rest::binary>> = data) when length < 126,
    do: masked(data, length, rest)

  def decode(<<_head, 1::1, 126::7, length::16, rest::binary>> = data),
    do: masked(data, length, rest)

  def decode(<<_head, 1::1, 127::7, length::64, rest::binary>> = data),
    do: masked(data, length, rest)

  # RFC 6455, 5.1: what a client sends is masked.
  def decode(<<_head, 0::1, _::bitstring>>), do: {:error, 1002}
  def decode(_part), do: :more

  @doc "A frame as a server sends it."
  def encode(opcode, payload \\ "") do
    [<<1::1, 0::3, Map.fetch!(@numbers, opcode)::4>>, size(IO.iodata_length(payload)), payload]
  end

  @doc "The frame that ends a connection."
  def close(code), do: encode(:close, <<code::16>>)

  defp masked(_data, length, _rest) when length > @largest, do: {:error, 1009}

  defp masked(<<final::1, reserved::3, number::4, _::binary>>, length, rest) do
    name = @names[number]

    cond do
      reserved != 0 or name == nil -> {:error, 1002}
      number >= 8 and (length > 125 or final == 0) -> {:error, 1002}
      true -> payload({name, final == 1}, length, rest)
    end
  end

  defp payload({name, final?}, length, data) do
    case data do
      <<mask::binary-size(4), payload::binary-size(length), rest::binary>> ->
        {:ok, {name, final?, unmask(payload, mask)}, rest}

      _part ->
        :more
    end
  end

  defp unmask(payload, mask) do
    size = byte_size(payload)
    repeated = mask |> :binary.copy(div(size, 4) + 1) |> binary_part(0, size)
    :crypto.exor(payload, repeated)
  end

  defp size(length) when length < 126, do: <<length>>
  defp size(length) when length < 65_536, do: <<126, length::16>>
  defp size(length), do: <<127, length::64>>
end
