defmodule Storefront do
  @moduledoc "A shop window: an application that starts, serves and stops as one of Phoenix 1.8 does."

  @doc "The release's version, as `mix.exs` has it."
  def version, do: :storefront |> Application.spec(:vsn) |> to_string()
end
