defmodule Chat.Room do
  @moduledoc """
  The room's copy on this node: the newest messages, the same on every node.

  The copies know each other as a `:pg` group. A message goes to all of them; two copies that
  meet, at a start or after a split, tell each other all they have.
  """
  use GenServer

  @scope Chat.PG
  @keep 100

  def start_link(_), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "The `:pg` scope in which the copies meet."
  def scope, do: @scope

  @doc "Says something in the room, on every node."
  def post(text) do
    now = System.system_time(:microsecond)
    message = %{id: {now, node(), System.unique_integer([:positive])}, node: node(), text: text}
    Enum.each(members(), &send(&1, {:messages, [message]}))
    message
  end

  @doc "The newest messages, oldest first."
  def messages, do: GenServer.call(__MODULE__, :messages)

  @doc "The copies that this node sees, its own included."
  def members, do: :pg.get_members(@scope, __MODULE__)

  @impl true
  def init(_) do
    {_ref, _present} = :pg.monitor(@scope, __MODULE__)
    :ok = :pg.join(@scope, __MODULE__, self())
    {:ok, []}
  end

  @impl true
  def handle_call(:messages, _from, messages), do: {:reply, messages, messages}

  @impl true
  def handle_info({:messages, more}, messages), do: {:noreply, merge(messages, more)}

  def handle_info({_ref, :join, _group, newcomers}, messages) do
    for pid <- newcomers, pid != self(), do: send(pid, {:messages, messages})
    {:noreply, messages}
  end

  def handle_info({_ref, :leave, _group, _gone}, messages), do: {:noreply, messages}

  defp merge(messages, more) do
    (messages ++ more) |> Enum.uniq_by(& &1.id) |> Enum.sort_by(& &1.id) |> Enum.take(-@keep)
  end
end
