defmodule Storefront.MixProject do
  use Mix.Project

  def project do
    [
      app: :storefront,
      version: System.get_env("VERSION", "1.0.0"),
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: []
    ]
  end

  # :crypto and :ssl come with Plug and Thousand Island where those are dependencies.
  def application do
    [
      mod: {Storefront.Application, []},
      extra_applications: [:logger, :runtime_tools, :crypto, :ssl]
    ]
  end
end
