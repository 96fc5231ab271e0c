defmodule Storefront.Application do
  @moduledoc false
  use Application

  # In the order of `mix phx.new`: the node meets the others before its own work is done, and serves last.
  @impl true
  def start(_type, _args) do
    children = [
      {Storefront.Cluster,
       query: Application.get_env(:storefront, :dns_cluster_query) || :ignore},
      {Storefront.Warmup, Application.get_env(:storefront, Storefront.Warmup, [])},
      StorefrontWeb.Endpoint
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: Storefront.Supervisor)
  end
end
