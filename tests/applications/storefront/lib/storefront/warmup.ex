defmodule Storefront.Warmup do
  @moduledoc """
  What an application does before it serves, such as `Ecto.Migrator` does: what starts after it waits.

  It takes `boot_ms`. With `fail_after_ms` it raises instead, and the release ends: its application is permanent. With
  `crash_after_ms` the release ends so long after that, as where something goes away that it cannot be without.
  """

  def child_spec(options),
    do: %{id: __MODULE__, start: {__MODULE__, :run, [options]}, restart: :temporary}

  def run(options) do
    if fail_after_ms = options[:fail_after_ms] do
      Process.sleep(fail_after_ms)
      raise "the catalogue of the shop cannot be loaded"
    end

    Process.sleep(options[:boot_ms] || 0)

    if crash_after_ms = options[:crash_after_ms] do
      {:ok, _} = :timer.apply_after(crash_after_ms, System, :halt, [1])
    end

    :ignore
  end
end
