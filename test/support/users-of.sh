#!/bin/sh
# Ids of the processes that use a directory: users-of.sh DIRECTORY
set -eu

find /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/fd \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null | cut -d / -f 3 | sort -u
