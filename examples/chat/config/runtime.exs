import Config

config :chat,
  http_ip: System.get_env("HTTP_IP", "0.0.0.0"),
  http_port: String.to_integer(System.get_env("PORT", "4000")),
  dns_cluster_query: System.get_env("DNS_CLUSTER_QUERY"),
  welcome_file: System.get_env("WELCOME_FILE"),
  drain_ms: String.to_integer(System.get_env("DRAIN_MS", "1000"))
