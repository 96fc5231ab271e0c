import Config

config :storefront, StorefrontWeb.Endpoint, url: [host: "localhost"]

# Two names of one thing: before and from Elixir 1.15.
config :logger, :console, format: "$time $metadata[$level] $message\n"
config :logger, :default_formatter, format: "$time $metadata[$level] $message\n"

if config_env() == :prod do
  config :logger, level: :info
end
