defmodule Chat do
  @moduledoc """
  A chat room that lives on every node of its cluster.

  A message posted to one node is read on all of them, and a node that joins later, or comes
  back after a network split, is told what it missed.
  """

  @doc "The release's version, as `mix.exs` has it."
  def version, do: :chat |> Application.spec(:vsn) |> to_string()

  @doc "This node first, then its peers in order."
  def nodes, do: [node() | Enum.sort(Node.list())]

  @doc "Whether this node has been told to stop."
  def draining?, do: :persistent_term.get({__MODULE__, :draining}, false)

  @doc "Turns the node unready; whoever balances the load stops sending it visitors."
  def drain, do: :persistent_term.put({__MODULE__, :draining}, true)
end
