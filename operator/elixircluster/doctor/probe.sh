# Finds the running node and starts its own Erlang beside it, to evaluate the program that comes by standard input.
# The shell only reads: what it finds out it hands on, and nothing of it is written anywhere.
unfit() {
  printf '{"doctor":{"unfit":"%s"}}\n' "$1"
  exit 0
}

# A first kernel's choice under pressure must be this process, not the node.
echo 1000 >/proc/self/oom_score_adj 2>/dev/null

beam=
for folder in /proc/[0-9]*; do
  number=${folder#/proc/}
  read -r name 2>/dev/null <"$folder/comm" || continue
  [ "$name" = beam.smp ] || continue
  # The node is the oldest; a console or an rpc beside it is younger.
  if [ -z "$beam" ] || [ "$number" -lt "$beam" ]; then beam=$number; fi
done
[ -n "$beam" ] || unfit "no Erlang virtual machine runs in the container"

# What the kernel still gives this container, without what it can take back from its caches.
free=
if [ -r /sys/fs/cgroup/memory.max ]; then
  read -r limit </sys/fs/cgroup/memory.max
  read -r used </sys/fs/cgroup/memory.current
  stat=/sys/fs/cgroup/memory.stat
elif [ -r /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
  read -r limit </sys/fs/cgroup/memory/memory.limit_in_bytes
  read -r used </sys/fs/cgroup/memory/memory.usage_in_bytes
  stat=/sys/fs/cgroup/memory/memory.stat
else
  limit=max
fi
case $limit in
max | ????????????????*) ;;
*)
  cache=0
  while read -r key value; do
    case $key in inactive_file | total_inactive_file) cache=$value ;; esac
  done <"$stat"
  free=$((limit - used + cache))
  [ "$free" -gt 67108864 ] || unfit "less than 64 MiB of its memory limit is left, which the probe could need"
  ;;
esac

executable=$(readlink "/proc/$beam/exe") || unfit "the image has no readlink, or hides what the node runs"
BINDIR=${executable%/*}
ROOTDIR=${BINDIR%/*/*}
[ -x "$BINDIR/erlexec" ] || unfit "the image has no erlexec beside its virtual machine"
boot=$ROOTDIR/bin/start_clean
for file in "$ROOTDIR"/releases/*/start_clean.boot; do
  if [ -r "$file" ]; then boot=${file%.boot}; fi
done

# A flag that is given once counts, and one that is given twice does not: so the node behaves, and so must the probe.
flag() {
  count=0
  found=
  previous=
  for word in $words; do
    if [ "$word" = -extra ]; then break; fi
    if [ "$previous" = "-$1" ]; then
      count=$((count + 1))
      found=$word
    fi
    previous=$word
  done
  if [ "$count" = 1 ]; then set -- "-$1" "$found"; else set --; fi
  flags="$flags $*"
}
words=$(tr '\000' '\n' <"/proc/$beam/cmdline") || unfit "the image has no tr"
flags=
IFS='
'
set -f
flag proto_dist
flag ssl_dist_optfile
flag erl_epmd_port
unset words found previous
unset IFS

unset ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_LIBS
export BINDIR ROOTDIR EMU=beam PROGNAME=erl HOME=/ ERL_CRASH_DUMP_SECONDS=0 DOCTOR_BEAM="$beam"
# shellcheck disable=SC2086 # flags are words
exec "$BINDIR/erlexec" +S 1 +SDcpu 1 +SDio 1 +A 1 +Q 4096 +sbwt none +sbwtdcpu none +sbwtdio none \
  -noshell -boot "$boot" -mode interactive -kernel logger_level none \
  -boot_var RELEASE_LIB "$ROOTDIR/lib" -boot_var SYSTEM_LIB_DIR "$ROOTDIR/lib" -boot_var ERTS_LIB_DIR "$ROOTDIR/lib" \
  -hidden -dist_listen false -start_epmd false -setcookie none $flags -eval '
    {ok, Question} = io:read([]),
    Read = fun Read(Functions) ->
      case io:parse_erl_form([]) of
        {ok, {function, _, Name, Arity, Clauses}, _} -> Read(Functions#{{Name, Arity} => Clauses});
        {ok, _, _} -> Read(Functions);
        eof -> Functions;
        {eof, _} -> Functions
      end
    end,
    Functions = Read(#{}),
    Call = fun Call(Name, Arguments) ->
      Clauses = maps:get({Name, length(Arguments)}, Functions),
      {Body, Bindings} = erl_eval:match_clause(Clauses, Arguments, erl_eval:new_bindings(), {value, Call}),
      {value, Value, _} = erl_eval:exprs(Body, Bindings, {value, Call}),
      Value
    end,
    Call(main, [Question]), halt().'
