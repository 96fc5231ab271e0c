-module(pond_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

init([]) ->
    Port = list_to_integer(os:getenv("PORT", "4000")),
    {ok, {#{}, [#{id => http, start => {pond_http, start_link, [Port]}}]}}.
