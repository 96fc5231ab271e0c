defmodule Chat.MixProject do
  use Mix.Project

  def project do
    [
      app: :chat,
      version: System.get_env("VERSION", "1.0.0"),
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      releases: [chat: [include_executables_for: [:unix]]]
    ]
  end

  # :ssl is here so that the nodes can speak TLS to each other (`-proto_dist inet_tls`).
  def application do
    [
      extra_applications: [:logger, :runtime_tools, :ssl],
      mod: {Chat.Application, []}
    ]
  end

  # Add {:libcluster, "~> 3.5"} and it does the clustering; nothing else has to change.
  defp deps do
    []
  end
end
