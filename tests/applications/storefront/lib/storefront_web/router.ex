defmodule StorefrontWeb.Router do
  @moduledoc "The pages. All of them are behind `force_ssl`, health as well."

  alias StorefrontWeb.Request

  def call(%Request{method: "GET", path: "/"}),
    do: text(200, "storefront #{Storefront.version()} on #{node()}\n")

  def call(%Request{method: "GET", path: "/up"}), do: text(200, "ok\n")

  # One that takes its time: `/checkout?ms=3000`.
  def call(%Request{method: "GET", path: "/checkout", query: query}) do
    query |> URI.decode_query() |> Map.get("ms", "0") |> String.to_integer() |> Process.sleep()
    text(200, "thank you\n")
  end

  def call(%Request{}), do: text(404, "Not Found")

  defp text(status, body), do: {status, [{"content-type", "text/plain; charset=utf-8"}], body}
end
