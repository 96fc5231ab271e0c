%% A shipment's way in: the application's dependencies are started, then its main/0 is called.
-module('tide@@main').

-export([run/1]).

run(Module) ->
    try
        {ok, _Started} = application:ensure_all_started(tide),
        Module:main(),
        erlang:halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~ts~n", [erl_error:format_exception(Class, Reason, Stack)]),
            erlang:halt(127)
    end.
