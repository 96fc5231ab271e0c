defmodule StorefrontWeb.ForceSSL do
  @moduledoc "As `Plug.SSL` with what `mix phx.new` puts into `config/prod.exs`, and the host of the endpoint's `url`."
  require Logger

  alias StorefrontWeb.Request

  @excluded ["localhost", "127.0.0.1"]
  @hsts {"strict-transport-security", "max-age=31536000"}

  @doc "The request with its client's scheme, and headers for its answer; or the redirect that it is sent."
  def call(%Request{} = request, host) do
    request = rewrite(request, Request.header(request, "x-forwarded-proto"))

    cond do
      request.host in @excluded -> {:ok, request, []}
      request.scheme == :https -> {:ok, request, [@hsts]}
      true -> redirect(request, host)
    end
  end

  defp rewrite(request, proto) when proto in ["https", "wss"], do: %{request | scheme: :https}
  defp rewrite(request, _proto), do: request

  defp redirect(request, host) do
    status = if request.method in ["HEAD", "GET"], do: 301, else: 307

    Logger.info(
      "Plug.SSL is redirecting #{request.method} #{request.path} to https://#{host} with status #{status}"
    )

    query = if request.query == "", do: "", else: "?#{request.query}"
    {status, [{"location", "https://#{host}#{request.path}#{query}"}], ""}
  end
end
