defmodule Chat.Poller do
  @moduledoc """
  Connects to the nodes that are listed, and never disconnects one: a hiccup of DNS costs nothing.

  A node that has found nobody looks often for its first minute, then at the usual interval.
  """
  use GenServer
  require Logger

  alias Chat.Discovery

  @eager_ms 200
  @eager_polls div(60_000, @eager_ms)

  # A peer that is listed and cannot be reached is most often one that is still starting.
  @worth_a_warning 5

  def child_spec(%Discovery{} = target) do
    %{id: {__MODULE__, target.query}, start: {GenServer, :start_link, [__MODULE__, target]}}
  end

  @impl true
  def init(target), do: {:ok, %{target: target, polls: 0, failures: %{}}, {:continue, :poll}}

  @impl true
  def handle_continue(:poll, state), do: {:noreply, poll(state)}

  @impl true
  def handle_info(:poll, state), do: {:noreply, poll(state)}

  defp poll(state) do
    failures =
      for peer <- missing(state.target), not connect(peer), into: %{} do
        {peer, failed(peer, Map.get(state.failures, peer, 0) + 1)}
      end

    Process.send_after(self(), :poll, pause(state))
    %{state | polls: state.polls + 1, failures: failures}
  end

  defp missing(target), do: Discovery.nodes(target) -- [node() | Node.list()]

  defp connect(peer) do
    connected? = Node.connect(peer) == true
    if connected?, do: Logger.info("connected to #{peer}")
    connected?
  end

  defp failed(peer, times) do
    if times == @worth_a_warning, do: Logger.warning("cannot connect to #{peer}")
    times
  end

  defp pause(%{polls: polls, target: target}) do
    if Node.list() == [] and polls < @eager_polls, do: @eager_ms, else: target.interval
  end
end
