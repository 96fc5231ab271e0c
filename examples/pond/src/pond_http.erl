%% HTTP with the packet parser that the VM has built in: one request a connection.
%% A real application has Cowboy or Elli here.
-module(pond_http).

-export([start_link/1, listen/2]).

-define(PATIENCE, 5000).

start_link(Port) ->
    proc_lib:start_link(?MODULE, listen, [self(), Port]).

listen(Parent, Port) ->
    {ok, Socket} = open(Port, [inet6, {ipv6_v6only, false}]),
    proc_lib:init_ack(Parent, {ok, self()}),
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
