defmodule Shop.Release do
  @moduledoc "What `bin/migrate` calls. It has no Ecto: to reach the database that it was told of is all it does."

  def migrate do
    %URI{scheme: "ecto", host: host, port: port} = "DATABASE_URL" |> System.fetch_env!() |> URI.parse()
    {:ok, socket} = :gen_tcp.connect(to_charlist(host), port || 5432, [], 5_000)
    :gen_tcp.close(socket)
  end
end
