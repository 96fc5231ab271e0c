# Whether a pod that is no member reaches the distribution ports, by the Erlang of the image. The last words of the
# container are what it found.
told=/dev/termination-log
for BINDIR in /*/erts-*/bin /*/*/erts-*/bin /usr/lib/erlang/erts-*/bin /usr/local/lib/erlang/erts-*/bin; do
  [ -x "$BINDIR/erlexec" ] && break
done
[ -x "$BINDIR/erlexec" ] || { echo "no Erlang is found in the image" >$told; exit 0; }
ROOTDIR=${BINDIR%/*/*}
boot=$ROOTDIR/bin/start_clean
for file in "$ROOTDIR"/releases/*/start_clean.boot; do
  if [ -r "$file" ]; then boot=${file%.boot}; fi
done
unset ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_LIBS
export BINDIR ROOTDIR EMU=beam PROGNAME=erl HOME=/ ERL_CRASH_DUMP_SECONDS=0
exec "$BINDIR/erlexec" +S 1 +A 1 +Q 4096 +sbwt none -noinput -boot "$boot" -boot_var RELEASE_LIB "$ROOTDIR/lib" \
  -boot_var SYSTEM_LIB_DIR "$ROOTDIR/lib" -boot_var ERTS_LIB_DIR "$ROOTDIR/lib" -eval '
    Self = self(),
    Tries = [begin
      spawn(fun() ->
        {ok, Address} = inet:parse_address(Text),
        Self ! {Text, case gen_tcp:connect(Address, list_to_integer(os:getenv("PORT")), [], 1500) of
          {ok, _} -> "open";
          {error, Reason} -> atom_to_list(Reason)
        end}
      end), Text
    end || Text <- string:lexemes(os:getenv("ADDRESSES"), " ")],
    Said = [receive {Text, Result} -> [Text, " ", Result, "\n"] end || Text <- Tries],
    file:write_file("/dev/termination-log", Said),
    halt().'
