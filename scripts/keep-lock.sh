#!/bin/sh
# Holds a lock for as long as a process of this machine lives: keep-lock.sh PID DIRECTORY COMMAND [ARGUMENT ...]
#
# COMMAND holds the lock while its standard input lasts (scripts/lock.sh). DIRECTORY goes away in the end.
set -eu

pid=$1 directory=$2
shift 2
# The keys of a terminal are meant for the run, which ends in an orderly way and then has done with the lock.
trap '' HUP INT
while kill -0 "$pid" 2>/dev/null && echo; do sleep 1; done 2>/dev/null | "$@" || :
rm -rf ${directory:+"$directory"}
