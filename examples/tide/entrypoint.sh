#!/bin/sh
# The interface of a shipment's entrypoint: `run` calls main/0 in a plain erl over every */ebin beside this file.
# As in a shipment the shell stays the first process, and erl is its child.
set -eu
here=$(dirname "$0")
case "${1-}" in
  run) shift; erl -pa "$here"/*/ebin -noshell -eval "tide@@main:run(tide)" -extra "$@" ;;
  shell) erl -pa "$here"/*/ebin ;;
  *) echo "usage: entrypoint.sh run|shell" >&2; exit 1 ;;
esac
