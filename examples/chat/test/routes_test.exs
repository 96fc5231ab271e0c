defmodule Chat.RoutesTest do
  use ExUnit.Case

  alias Chat.Routes

  test "what is posted is read" do
    assert {201, "application/json", _} = Routes.answer("POST", "/messages", ~s(say "hi"\n))
    assert {200, "application/json", body} = Routes.answer("GET", "/messages", "")
    assert IO.iodata_to_binary(body) =~ ~S("text":"say \"hi\"")
  end

  test "an empty or broken message is refused" do
    assert {400, _, _} = Routes.answer("POST", "/messages", " ")
    assert {400, _, _} = Routes.answer("POST", "/messages", <<255>>)
  end
end
