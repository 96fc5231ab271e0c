%% What a node's pod can tell, seen from inside it, as one line of JSON. Interpreted by the Erlang of the image, beside
%% the node and not in it; the node itself is asked a few things, over its own distribution port.
%%
%% The cookie stays here: what leaves is its MD5 with a salt of this one run, which is what nodes themselves tell each
%% other over the network, where the salt is the challenge. Of command lines and environments only the flags and
%% variables that are listed here are told.
-module(probe).
-export([main/1]).

main(Question) ->
    spawn(fun() -> receive after maps:get(milliseconds, Question) -> halt(3) end end),
    Beam = os:getenv("DOCTOR_BEAM"),
    Words = zeroed("/proc/" ++ Beam ++ "/cmdline"),
    Environment = [split(Entry) || Entry <- zeroed("/proc/" ++ Beam ++ "/environ")],
    Root = os:getenv("ROOTDIR"),
    Folders = lists:usort([Root ++ "/lib" | variables(Words)]),
    Paths = lists:append([filelib:wildcard(Folder ++ "/*/ebin") || Folder <- Folders]) ++
        following("-pa", Words) ++ following("-pz", Words),
    code:add_pathsz(Paths),
    Cookies = cookies(Words, Environment),
    Node = name(Words),
    State = state(Beam),
    Network = [
        {dns, fun() -> names(Question) end},
        {peers, fun() -> parallel([{pod(Peer), fun() -> peer(Peer) end} || Peer <- maps:get(peers, Question)], 3000) end},
        {epmd, fun() -> epmd("127.0.0.1") end},
        {tls, fun() -> tls(Question) end},
        {node, fun() -> case State of [<<"T">>] -> #{error => stopped}; _ -> ask(Node, Cookies, Question) end end}
    ],
    %% What waits for the network has bounds of its own; the rest is work, for which processors may be scarce.
    Found = parallel(Network, 12000),
    Told = Found#{
        time => erlang:system_time(millisecond),
        state => State,
        flags => flags(Words),
        hidden => lists:member("-hidden", before_extra(Words)),
        repeated => repeated(Words, Environment),
        environment => environment(Environment),
        cookie => told_cookie(Cookies, maps:get(salt, Question)),
        listens => listens(),
        libraries => libraries(Paths),
        limits => limits(Beam)
    },
    io:put_chars([json(#{doctor => Told}), $\n]).

%% ---- Processes of the pod

zeroed(File) ->
    case file:read_file(File) of
        {ok, Content} -> [binary_to_list(Word) || Word <- binary:split(Content, <<0>>, [global, trim])];
        {error, _} -> []
    end.

split(Entry) ->
    case string:split(Entry, "=") of
        [Name, Value] -> {Name, Value};
        [Name] -> {Name, ""}
    end.

following(Flag, [Flag, Value | Words]) -> [Value | following(Flag, Words)];
following(Flag, [_ | Words]) -> following(Flag, Words);
following(_, []) -> [].

%% Where a release without the runtime in it keeps its libraries: `-boot_var RELEASE_LIB /app/lib`.
variables(["-boot_var", _, Folder | Words]) -> [Folder | variables(Words)];
variables([_ | Words]) -> variables(Words);
variables([]) -> [].

before_extra(Words) -> lists:takewhile(fun(Word) -> Word =/= "-extra" end, Words).

%% State letter of every thread; a stopped node has T.
state(Beam) ->
    Stats = filelib:wildcard("/proc/" ++ Beam ++ "/task/*/stat"),
    lists:usort([letter(File) || File <- Stats]) -- [none].

letter(File) ->
    case file:read_file(File) of
        {ok, Content} -> binary:part(lists:last(binary:split(Content, <<") ">>, [global])), 0, 1);
        {error, _} -> none
    end.

name(Words) ->
    case following("-name", before_extra(Words)) ++ following("-sname", before_extra(Words)) of
        [Name | _] -> Name;
        [] -> none
    end.

flags(Words) ->
    Known = ["name", "sname", "proto_dist", "erl_epmd_port", "start_epmd", "ssl_dist_optfile", "dist_listen",
             "epmd_module", "config", "inet_dist_listen_min", "inet_dist_listen_max", "erl_epmd_node_listen_port",
             "S", "Q", "K"],
    Given = [{Flag, following([$- | Flag], before_extra(Words))} || Flag <- Known],
    Kernel = [{Key, following(Key, before_extra(Words))} || Key <- ["inet_dist_listen_min", "inet_dist_listen_max",
             "erl_epmd_node_listen_port", "net_ticktime"]],
    maps:from_list([{list_to_atom(Flag), [text(Value) || Value <- Values]} || {Flag, Values} <- Given ++ Kernel,
                    Values =/= []]).

%% Flags that disable themselves when they are given twice, and where each comes from.
repeated(Words, Environment) ->
    Flags = ["-proto_dist", "-erl_epmd_port", "-start_epmd", "-ssl_dist_optfile", "-name", "-setcookie"],
    Twice = [Flag || Flag <- Flags, length(following(Flag, before_extra(Words))) > 1],
    [#{flag => text(Flag), count => length(following(Flag, before_extra(Words))), sources => sources(Flag, Environment)}
     || Flag <- Twice].

sources(Flag, Environment) ->
    Variables = ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ELIXIR_ERL_OPTIONS"],
    [text(Name) || Name <- Variables, {Known, Value} <- Environment, Known =:= Name,
                   lists:member(Flag, string:lexemes(Value, " \n\t"))].

environment(Environment) ->
    Known = ["RELEASE_NODE", "RELEASE_NAME", "RELEASE_DISTRIBUTION", "ERLANG_NODE", "DNS_CLUSTER_QUERY", "POD_IP",
             "POD_NAME"],
    maps:from_list([{list_to_atom(Name), text(Value)} || {Name, Value} <- Environment, lists:member(Name, Known)]).

%% ---- The cookie

%% Where a cookie of the node may come from, in order: what it was started with, and what its Secret says now, which the
%% node has where the cookie was changed while it ran.
cookies(Words, Environment) ->
    Started = case following("-setcookie", before_extra(Words)) of
        [Given] -> [Given];
        _ -> cookie_file(proplists:get_value("HOME", Environment, "/") ++ "/.erlang.cookie")
    end,
    Started ++ [Mounted || Mounted <- cookie_file("/etc/elixircluster-cookie/cookie"), [Mounted] =/= Started].

cookie_file(File) ->
    case file:read_file(File) of
        {ok, Content} -> [binary_to_list(Content)];
        {error, _} -> []
    end.

told_cookie([], _) ->
    none;
told_cookie([Started | _], Salt) ->
    Mounted = case cookie_file("/etc/elixircluster-cookie/cookie") of
        [] -> none;
        [Secret] -> digest(Salt, Secret)
    end,
    #{digest => digest(Salt, Started),
      empty => Started =:= "",
      newline => lists:member($\n, Started) orelse lists:member($\r, Started),
      blanks => string:trim(Started) =/= Started,
      mounted => Mounted}.

digest(Salt, Cookie) -> hexadecimal(erlang:md5([Salt, Cookie])).

%% ---- The network, from here

%% The headless Service and every peer's host, as the node itself would ask for them.
names(#{service := Service, family := Family, peers := Peers}) ->
    Type = case Family of inet -> a; inet6 -> aaaa end,
    %% The first question loads the resolver's configuration, and others beside it would not wait for that (OTP 29).
    inet_db:res_update_conf(),
    Hosts = lists:usort([Host || #{host := Host} <- Peers, inet:parse_address(Host) =:= {error, einval}]),
    parallel(
        [{service, fun() -> resolved(Service, Type) end},
         {srv, fun() -> resolved(Service, srv) end},
         {hosts, fun() -> parallel([{list_to_atom(Host), fun() -> host(Host, Family) end} || Host <- Hosts], 3000) end}],
        3500).

resolved(Name, Type) ->
    case inet_res:resolve(Name, in, Type, [{timeout, 1000}, {retry, 2}], 3000) of
        {ok, Message} -> #{answers => answers(Message, Type)};
        {error, {Reason, _}} -> #{error => Reason};
        {error, Reason} -> #{error => Reason}
    end.

answers(Message, Type) ->
    Records = [maps:from_list(inet_dns:rr(Record)) || Record <- proplists:get_value(anlist, inet_dns:msg(Message), [])],
    lists:sort([answer(Data) || #{type := Found, data := Data} <- Records, Found =:= Type]).

answer({_Priority, _Weight, Port, Target}) when is_list(Target) -> text(Target ++ ":" ++ integer_to_list(Port));
answer(Address) -> text(inet:ntoa(Address)).

host(Host, Family) ->
    case inet:getaddrs(Host, Family) of
        {ok, Addresses} -> #{answers => lists:sort([text(inet:ntoa(Address)) || Address <- Addresses])};
        {error, Reason} -> #{error => Reason}
    end.

pod(#{pod := Pod}) -> list_to_atom(Pod).

peer(#{address := Address, port := Port}) ->
    parallel([{port, fun() -> connected(Address, Port) end}, {epmd, fun() -> epmd(Address) end}], 3000).

connected(Text, Port) ->
    {ok, Address} = inet:parse_address(Text),
    case gen_tcp:connect(Address, Port, [binary, {active, false}], 2000) of
        {ok, Socket} -> gen_tcp:close(Socket), open;
        {error, Reason} -> Reason
    end.

%% What the port mapper says: names and their ports, or why it says nothing.
epmd(Text) ->
    {ok, Address} = inet:parse_address(Text),
    case gen_tcp:connect(Address, 4369, [list, {active, false}], 2000) of
        {ok, Socket} ->
            gen_tcp:send(Socket, [0, 1, $n]),
            Said = received(Socket, []),
            gen_tcp:close(Socket),
            #{names => [registered(Line) || Line <- string:lexemes(lists:nthtail(min(4, length(Said)), Said), "\n")]};
        {error, Reason} ->
            #{error => Reason}
    end.

received(Socket, Said) ->
    case gen_tcp:recv(Socket, 0, 1000) of
        {ok, More} when length(Said) < 65536 -> received(Socket, Said ++ More);
        _ -> Said
    end.

registered(Line) ->
    case string:lexemes(Line, " ") of
        ["name", Name, "at", "port", Port] -> #{name => text(Name), port => list_to_integer(Port)};
        _ -> #{}
    end.

%% Ports on which this pod listens, from the kernel's table.
listens() ->
    lists:usort(lists:append([listening(File) || File <- ["/proc/net/tcp", "/proc/net/tcp6"]])).

listening(File) ->
    case file:read_file(File) of
        {ok, Content} ->
            [list_to_integer(lists:last(string:split(Local, ":")), 16)
             || Line <- string:lexemes(binary_to_list(Content), "\n"),
                [_, Local, _, "0A" | _] <- [string:lexemes(Line, " ")]];
        {error, _} ->
            []
    end.

%% ---- TLS

tls(Question) ->
    case init:get_argument(ssl_dist_optfile) of
        {ok, [[File]]} -> encrypted(File, Question);
        _ -> none
    end.

encrypted(File, Question) ->
    case file:consult(File) of
        {ok, [Options]} ->
            case application:ensure_all_started(ssl) of
                {ok, _} -> shown(proplists:get_value(client, Options, []), proplists:get_value(server, Options, []), Question);
                {error, _} -> #{error => 'the release has no ssl application'}
            end;
        {error, _} ->
            #{error => 'the file of -ssl_dist_optfile cannot be read'}
    end.

shown(Client, Server, #{peers := Peers}) ->
    Certificates = parallel([{client, fun() -> certificate(Client) end}, {server, fun() -> certificate(Server) end}], 6000),
    Certificates#{handshakes => parallel([{pod(Peer), fun() -> handshake(Peer, Client) end} || Peer <- Peers], 4500)}.

%% The certificate that is shown, and the authorities by which the peer's is judged.
certificate(Options) ->
    Authorities = pem(proplists:get_value(cacertfile, Options)),
    case pem(proplists:get_value(certfile, Options)) of
        [] -> #{error => 'no certificate can be read', authorities => [fingerprint(Der) || Der <- Authorities]};
        [Leaf | Chain] ->
            (certified(Leaf))#{
                signed => signed(Leaf, Chain ++ Authorities),
                fits_key => fits(Leaf, proplists:get_value(keyfile, Options)),
                authorities => [fingerprint(Der) || Der <- Authorities],
                signers => [fingerprint(Der) || Der <- Authorities, public_key:pkix_is_issuer(Leaf, Der)]}
    end.

pem(undefined) -> [];
pem(File) ->
    case file:read_file(File) of
        {ok, Content} -> [Der || {'Certificate', Der, not_encrypted} <- public_key:pem_decode(Content)];
        {error, _} -> []
    end.

certified(Der) ->
    %% #'OTPTBSCertificate'{}: version, serialNumber, signature, issuer, validity, subject, …, extensions
    Body = element(2, public_key:pkix_decode_cert(Der, otp)),
    {'Validity', From, Until} = element(6, Body),
    Extensions = case element(11, Body) of asn1_NOVALUE -> []; List -> List end,
    Names = [Host || {'Extension', {2, 5, 29, 17}, _, Alternatives} <- Extensions, {dNSName, Host} <- Alternatives],
    #{from => seconds(From), until => seconds(Until), names => [text(Host) || Host <- Names],
      subject => common_name(element(7, Body)), issuer => common_name(element(5, Body))}.

common_name({rdnSequence, Sets}) ->
    case [Value || Set <- Sets, {'AttributeTypeAndValue', {2, 5, 4, 3}, Value} <- Set] of
        [{_, Value} | _] -> text(Value);
        [Value | _] -> text(Value);
        [] -> <<>>
    end.

seconds({utcTime, [A, B | Rest]}) when [A, B] >= "50" -> seconds({generalTime, "19" ++ [A, B | Rest]});
seconds({utcTime, Text}) -> seconds({generalTime, "20" ++ Text});
seconds({generalTime, Text}) ->
    {ok, [Year, Month, Day, Hour, Minute, Second], _} = io_lib:fread("~4d~2d~2d~2d~2d~2d", Text),
    calendar:datetime_to_gregorian_seconds({{Year, Month, Day}, {Hour, Minute, Second}}) - 62167219200.

signed(Leaf, Others) ->
    lists:any(fun(Der) -> public_key:pkix_is_issuer(Leaf, Der) andalso verified(Leaf, Der) end, Others).

verified(Leaf, Signer) ->
    Body = element(2, public_key:pkix_decode_cert(Signer, otp)),
    {'OTPSubjectPublicKeyInfo', Algorithm, Key} = element(8, Body),
    Public = case Key of {'ECPoint', _} -> {Key, element(3, Algorithm)}; _ -> Key end,
    try public_key:pkix_verify(Leaf, Public) catch _:_ -> false end.

%% Whether what the key signs is verified by the certificate.
fits(_, undefined) -> true;
fits(Leaf, File) ->
    try
        {ok, Content} = file:read_file(File),
        [Entry | _] = [Found || Found <- public_key:pem_decode(Content), element(1, Found) =/= 'EcpkParameters'],
        Key = public_key:pem_entry_decode(Entry),
        {'OTPSubjectPublicKeyInfo', Algorithm, Point} = element(8, element(2, public_key:pkix_decode_cert(Leaf, otp))),
        Public = case Point of {'ECPoint', _} -> {Point, element(3, Algorithm)}; _ -> Point end,
        public_key:verify(<<"elixircluster">>, sha256, public_key:sign(<<"elixircluster">>, sha256, Key), Public)
    catch _:_ -> unknown
    end.

fingerprint(Der) -> hexadecimal(erlang:md5(Der)).

%% As the distribution does it: the peer's certificate must name its host. A server that refuses ours may say so after
%% the handshake (TLS 1.3), so it is given a moment.
handshake(#{address := Text, port := Port, host := Host}, Client) ->
    {ok, Address} = inet:parse_address(Text),
    Known = [certfile, keyfile, cacertfile, verify, customize_hostname_check, versions, depth],
    Options = [{Key, Value} || {Key, Value} <- Client, lists:member(Key, Known)],
    Name = [{server_name_indication, Host}],
    case ssl:connect(Address, Port, Name ++ Options ++ [{active, false}, {log_level, none}], 4000) of
        {ok, Socket} ->
            Said = ssl:recv(Socket, 0, 300),
            ssl:close(Socket),
            case Said of
                {error, {tls_alert, Alert}} -> alert(Alert);
                _ -> ok
            end;
        {error, {tls_alert, Alert}} -> alert(Alert);
        {error, {options, _}} -> 'the certificate or its key cannot be used';
        {error, Reason} when is_atom(Reason) -> Reason;
        {error, _} -> 'handshake failed'
    end.

alert({Name, Said}) ->
    Text = lists:flatten(io_lib:format("~s", [Said])),
    Ours = string:find(Text, "generated CLIENT ALERT") =/= nomatch,
    Expired = string:find(Text, "cert_expired") =/= nomatch,
    Host = string:find(Text, "hostname_check_failed") =/= nomatch,
    #{alert => case {Expired, Host} of {true, _} -> certificate_expired; {_, true} -> hostname_check_failed; _ -> Name end,
      by => case Ours of true -> us; false -> peer end}.

%% ---- The node itself, as its own console would

%% A hidden node beside it, with its cookie and its flags, that listens to nobody.
ask(none, _, _) -> #{error => nameless};
ask(Node, Cookies, Question) ->
    Host = lists:last(string:split(Node, "@")),
    Mine = "doctor-" ++ integer_to_list(rand:uniform(256)) ++ "@" ++ Host,
    case net_kernel:start([list_to_atom(Mine), longnames]) of
        {ok, _} -> answered(list_to_atom(Node), Cookies, Question);
        {error, _} -> #{error => unstarted}
    end.

answered(_, [], _) ->
    #{error => refused};
answered(Node, [Cookie | Cookies], #{peers := Peers, salt := Salt} = Question) ->
    case let_in(Node, Cookie) of
        true ->
            Told = parallel([{said, fun() -> said(Node) end}, {dials, fun() -> dialled(Cookie, Peers) end}], 6000),
            Told#{cookie => digest(Salt, Cookie)};
        false ->
            answered(Node, Cookies, Question)
    end.

let_in(Node, Cookie) ->
    erlang:set_cookie(Node, list_to_atom(Cookie)),
    net_kernel:hidden_connect_node(Node) =:= true.

%% Whether a node with this one's cookie and certificate is let in by its peers.
dialled(Cookie, Peers) ->
    parallel([{pod(Peer), fun() -> dial(Peer, Cookie) end} || Peer <- Peers], 4000).

dial(#{node := Node}, Cookie) -> let_in(list_to_atom(Node), Cookie).

said(Node) ->
    Call = fun(Module, Function, Arguments) -> rpc:call(Node, Module, Function, Arguments, 2000) end,
    Topologies = Call(application, get_env, [libcluster, topologies]),
    #{name => Call(erlang, node, []),
      visible => Call(erlang, nodes, []),
      boot => boot(Call(init, get_status, [])),
      starting => starting(Call(application, info, [])),
      otp => text(Call(erlang, system_info, [otp_release])),
      schedulers => Call(erlang, system_info, [schedulers_online]),
      ports => Call(erlang, system_info, [port_count]),
      most_ports => Call(erlang, system_info, [port_limit]),
      started => [Name || {Name, _, _} <- Call(application, which_applications, []),
                          lists:member(Name, [libcluster, dns_cluster])],
      has => [Name || Name <- [libcluster, dns_cluster], is_list(Call(code, lib_dir, [Name]))],
      kernel => maps:from_list([{Key, text(Value)} || Key <- [connect_all, dist_auto_connect],
                                {ok, Value} <- [Call(application, get_env, [kernel, Key])]]),
      topologies => case Topologies of
          {ok, List} when is_list(List) -> [topology(Name, Options) || {Name, Options} <- List];
          _ -> none
      end}.

boot({Internal, Provided}) -> [text(Internal), text(Provided)];
boot(_) -> [].

%% The applications that are being started: of most releases one at a time.
starting([{starting, Entries} | _]) -> [text(element(1, Entry)) || Entry <- Entries, is_tuple(Entry)];
starting([_ | Others]) -> starting(Others);
starting(_) -> [].

%% Only what says whom it asks: another strategy's options may hold a secret.
topology(Name, Options) ->
    Known = [service, application_name, namespace, query, node_basename, hosts, kubernetes_selector,
             kubernetes_node_basename, kubernetes_namespace, mode, kubernetes_ip_lookup_mode],
    Config = proplists:get_value(config, Options, []),
    #{name => text(Name), strategy => text(proplists:get_value(strategy, Options, none)),
      config => maps:from_list([{Key, option(Value)} || {Key, Value} <- Config, lists:member(Key, Known)])}.

option(Values) when is_list(Values) ->
    case io_lib:printable_unicode_list(Values) of
        true when Values =/= [] -> text(Values);
        _ -> [text(Value) || Value <- Values]
    end;
option(Value) -> text(Value).

%% ---- The release and its container

libraries(Paths) ->
    Folders = [filename:basename(filename:dirname(Path)) || Path <- Paths],
    [text(Folder) || Folder <- lists:usort(Folders), Name <- ["libcluster", "dns_cluster"],
                     Folder =:= Name orelse lists:prefix(Name ++ "-", Folder)].

limits(Beam) ->
    maps:from_list(
        [{memory, first(["/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes"])},
         {most_memory, first(["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"])},
         {cpu, first(["/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"])},
         {cpu_stat, first(["/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat"])},
         {memory_stat, first(["/sys/fs/cgroup/memory.stat", "/sys/fs/cgroup/memory/memory.stat"])},
         {files, open_files(Beam)}]).

first([]) -> none;
first([File | Files]) ->
    case file:read_file(File) of
        {ok, Content} -> string:trim(Content);
        {error, _} -> first(Files)
    end.

open_files(Beam) ->
    case file:read_file("/proc/" ++ Beam ++ "/limits") of
        {ok, Content} ->
            [Line | _] = [Line || Line <- binary:split(Content, <<"\n">>, [global]),
                                  string:prefix(Line, "Max open files") =/= nomatch] ++ [<<>>],
            case string:lexemes(string:prefix(Line, "Max open files"), " ") of
                [Soft | _] -> Soft;
                _ -> none
            end;
        {error, _} -> none
    end.

%% ---- At once, and never longer than this. What has no answer by then is late, which says nothing of the cluster.

parallel(Tasks, Milliseconds) ->
    Self = self(),
    Started = [{Name, spawn_monitor(fun() -> Self ! {self(), Task()} end)} || {Name, Task} <- Tasks],
    Deadline = erlang:monotonic_time(millisecond) + Milliseconds,
    maps:from_list([{Name, awaited(Pid, Reference, Deadline)} || {Name, {Pid, Reference}} <- Started]).

awaited(Pid, Reference, Deadline) ->
    Left = max(0, Deadline - erlang:monotonic_time(millisecond)),
    receive
        {Pid, Answer} -> erlang:demonitor(Reference, [flush]), Answer;
        {'DOWN', Reference, process, _, _} -> #{error => crashed}
    after Left -> exit(Pid, kill), #{error => late}
    end.

%% ---- JSON

text(Text) when is_binary(Text) -> Text;
text(Text) when is_atom(Text) -> atom_to_binary(Text, utf8);
text(Text) when is_integer(Text) -> integer_to_binary(Text);
text(Text) when is_list(Text) ->
    try unicode:characters_to_binary(Text) of
        Binary when is_binary(Binary) -> Binary;
        _ -> <<>>
    catch _:_ -> <<>>
    end;
text(_) -> <<>>.

hexadecimal(Binary) -> iolist_to_binary([io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Binary]).

json(Map) when is_map(Map) ->
    Entries = [[json(text(Key)), $:, json(Value)] || {Key, Value} <- maps:to_list(Map)],
    [${, lists:join($,, Entries), $}];
json(List) when is_list(List) -> [$[, lists:join($,, [json(Item) || Item <- List]), $]];
json(Number) when is_integer(Number) -> integer_to_list(Number);
json(none) -> "null";
json(true) -> "true";
json(false) -> "false";
json(Atom) when is_atom(Atom) -> json(atom_to_binary(Atom, utf8));
json(Binary) when is_binary(Binary) ->
    Characters = case unicode:characters_to_list(Binary) of List when is_list(List) -> List; _ -> "" end,
    [$", [escaped(Character) || Character <- Characters], $"];
json(_) -> "null".

escaped($") -> "\\\"";
escaped($\\) -> "\\\\";
escaped(Character) when Character < 32; Character > 126 -> io_lib:format("\\u~4.16.0b", [min(Character, 65535)]);
escaped(Character) -> Character.
