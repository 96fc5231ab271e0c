%% A node with no release and no framework: `erl -s reef`. It says over HTTP which nodes it is connected to.
-module(reef).

-export([start/0]).

-define(PATIENCE, 5000).

start() ->
    Port = list_to_integer(os:getenv("PORT", "4000")),
    spawn(fun() -> listen(Port) end).

listen(Port) ->
    {ok, Socket} = open(Port, [inet6, {ipv6_v6only, false}]),
    accept(Socket).

%% Both address families, or one where the machine has no other.
open(Port, Family) ->
    Options = [binary, {packet, http_bin}, {active, false}, {reuseaddr, true} | Family],
    case gen_tcp:listen(Port, Options) of
        {error, _} when Family =/= [] -> open(Port, []);
        Result -> Result
    end.

accept(Listening) ->
    {ok, Socket} = gen_tcp:accept(Listening),
    Pid = spawn(fun() -> receive serve -> serve(Socket) end end),
    _ = gen_tcp:controlling_process(Socket, Pid),
    Pid ! serve,
    accept(Listening).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0, ?PATIENCE) of
        {ok, {http_request, 'GET', {abs_path, Path}, _Version}} ->
            skip_headers(Socket),
            gen_tcp:send(Socket, response(answer(Path)));
        _ ->
            ok
    end,
    gen_tcp:close(Socket).

skip_headers(Socket) ->
    case gen_tcp:recv(Socket, 0, ?PATIENCE) of
        {ok, {http_header, _, _, _, _}} -> skip_headers(Socket);
        _ -> ok
    end.

answer(<<"/nodes">>) ->
    Nodes = lists:join($,, [io_lib:format("\"~ts\"", [Node]) || Node <- [node() | lists:sort(nodes())]]),
    {"200 OK", ["[", Nodes, "]\n"]};
answer(<<"/livez">>) ->
    {"200 OK", "ok\n"};
answer(_) ->
    {"404 Not Found", "GET /nodes\n"}.

response({Status, Body}) ->
    [
        "HTTP/1.1 ", Status, "\r\ncontent-length: ", integer_to_list(iolist_size(Body)),
        "\r\nconnection: close\r\n\r\n", Body
    ].
