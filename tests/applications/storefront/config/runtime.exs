import Config

# What `mix phx.new` writes, and then what is this application's own.
if System.get_env("PHX_SERVER") do
  config :storefront, StorefrontWeb.Endpoint, server: true
end

config :storefront, StorefrontWeb.Endpoint,
  http: [port: String.to_integer(System.get_env("PORT", "4000"))]

if config_env() == :prod do
  secret_key_base =
    System.get_env("SECRET_KEY_BASE") ||
      raise """
      environment variable SECRET_KEY_BASE is missing.
      You can generate one by calling: mix phx.gen.secret
      """

  host = System.get_env("PHX_HOST") || "example.com"

  config :storefront, :dns_cluster_query, System.get_env("DNS_CLUSTER_QUERY")

  config :storefront, StorefrontWeb.Endpoint,
    url: [host: host, port: 443, scheme: "https"],
    http: [ip: {0, 0, 0, 0, 0, 0, 0, 0}],
    secret_key_base: secret_key_base
end

milliseconds = fn name ->
  with value when is_binary(value) <- System.get_env(name), do: String.to_integer(value)
end

config :storefront, Storefront.Warmup,
  boot_ms: milliseconds.("BOOT_MS"),
  fail_after_ms: milliseconds.("FAIL_AFTER_MS"),
  crash_after_ms: milliseconds.("CRASH_AFTER_MS")
