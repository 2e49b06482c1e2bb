#!/bin/sh
# shellcheck disable=SC2153 # ledger.sh sets the names
# Rehearses an upgrade on a host, with PREFIX and STACK set and after ledger.sh and rehearsal-data.sh: applies the tasks of the upgrade to a copy of the data, in
# namespaces where everything has its usual path and port. What runs is paused while the last of its data is copied, and otherwise left alone.
#
# PRODUCTS        that take part, by their names in scripts/products
# INSTALL_BYTES   what the new version takes on disk
# MEMORY_BYTES    what the services that take part are planned with
#
# The program appends `put NAME` with a here-document for each file that runs inside and for each task, and `rehearse`. Prints what it does; what the report is
# made of are lines of `figure`, a name and a value, separated by tabs.

set -eu
umask 022
SHADOW=$PREFIX/rehearsal
# Seconds that what runs may be paused for.
PAUSE_LIMIT=10
LOCK='' probes='' paused=''

figure() {
	printf 'figure\t%s\t%s\n' "$1" "$2"
}

# shellcheck disable=SC2329 # called by the trap
clean_up() {
	trap '' HUP INT TERM PIPE
	# shellcheck disable=SC2086 # ids of processes
	if [ -n "$paused" ]; then kill -CONT $paused 2>/dev/null || :; fi
	for path in $probes; do (load_probe "$path" && drop_probe) >/dev/null 2>&1 || :; done
	if [ -n "$LOCK" ]; then rm -rf "$SHADOW" "$LOCK"; fi
	rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# Whoever listened has gone.
trap 'exit 141' PIPE

put() {
	mkdir -p "$WORK/inside"
	cat >"$WORK/inside/$1"
}

check_host() {
	[ "$(uname -s)" = Linux ] || fail "a rehearsal takes Linux, because it runs in namespaces; this host has $(uname -s)"
	for program in unshare mount setpriv ip tar; do
		command -v "$program" >/dev/null 2>&1 || fail "a rehearsal takes $program, which is missing on this host"
	done
	if [ "$(id -u)" = 0 ]; then user=''; else user='--user --map-root-user'; fi
	# shellcheck disable=SC2086 # options
	unshare $user --mount --pid --net --fork true 2>"$WORK/namespaces" ||
		fail "a rehearsal takes namespaces, which $(id -un) may not make on this host: $(cat "$WORK/namespaces"). Root may"
}

# The data directories of what takes part, a line each.
data_directories() {
	while IFS= read -r path; do (load_service "$path" && say "$DATA"); done <"$WORK/services" | sort -u
}

kilobytes_in() {
	du -sk "$1" | awk '{ print $1 }'
}

megabytes() {
	awk -v bytes="$1" 'BEGIN { printf "%.0f MB", bytes / 1000000 }'
}

check_room() {
	data=0
	for directory in $(data_directories); do data=$((data + $(kilobytes_in "$directory") * 1024)); done
	figure dataBytes "$data"
	# What comes while it is copied, and what the new version writes.
	needed=$((data + data / 10 + 100000000 + INSTALL_BYTES))
	available=$(($(df -Pk "$PREFIX" | awk 'NR == 2 { printf "%.0f", $4 }') * 1024))
	[ "$available" -ge "$needed" ] ||
		fail "a copy of $(megabytes "$data") of data and the new version take $(megabytes "$needed") for a while, $PREFIX has $(megabytes "$available") free"
	free=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
	[ "$free" -ge "$MEMORY_BYTES" ] ||
		fail "what is rehearsed runs a second time, planned with $(megabytes "$MEMORY_BYTES") of memory; the host has $(megabytes "$free") available"
}

take_lock() {
	holder=$(readlink "$SHADOW.lock" || :)
	if [ -n "$holder" ]; then
		! pid_alive "$holder" || fail "another rehearsal is under way on this host, process $holder"
		rm -rf "$SHADOW.lock" "$SHADOW"
	fi
	ln -s "$$" "$SHADOW.lock" || fail "another rehearsal is under way on this host"
	LOCK=$SHADOW.lock
}

# The process of a service and those that it has started.
processes_of_services() {
	while IFS= read -r path; do (load_service "$path" && say "$(manager_pid "$NAME")"); done <"$WORK/services" >"$WORK/mains"
	while IFS= read -r pid; do
		say "$pid"
		cat "/proc/$pid/task"/*/children
	done <"$WORK/mains" 2>/dev/null | tr -s ' ' '\n'
}

# What has changed in a directory since it was copied goes into the copy.
catch_up() {
	(cd "$1" && find . ! -type d | sort) >"$WORK/here"
	(cd "$2" && find . ! -type d | sort) >"$WORK/there"
	comm -13 "$WORK/here" "$WORK/there" | while IFS= read -r file; do rm -f "$2/$file"; done
	{
		comm -23 "$WORK/here" "$WORK/there"
		(cd "$1" && find . ! -type d -newer "$WORK/begun")
	} | sort -u >"$WORK/changed"
	(cd "$1" && tar -cf - -T "$WORK/changed") | (cd "$2" && tar -xpf -)
}

# All that is written goes on while most is copied; then the processes stand still while the rest is. A process that is killed leaves its files like that.
copy_data() {
	begun=$(clock)
	: >"$WORK/begun"
	sleep 1
	number=0
	for directory in $(data_directories); do
		number=$((number + 1))
		mkdir -p "$SHADOW/data/$number"
		say "$directory" >"$SHADOW/data/$number.path"
		# A file may go away meanwhile.
		cp -Rp "$directory/." "$SHADOW/data/$number/" 2>/dev/null || :
	done
	paused=$(processes_of_services)
	[ -n "$paused" ] || fail "nothing of $PRODUCTS runs on this host; npm run status"
	# Whatever becomes of this script, they go on.
	(
		trap '' HUP INT TERM
		sleep "$PAUSE_LIMIT"
		# shellcheck disable=SC2086 # ids of processes
		kill -CONT $paused 2>/dev/null
	) </dev/null >/dev/null 2>&1 &
	watchdog=$!
	stopped=$(clock)
	# shellcheck disable=SC2086 # ids of processes
	kill -STOP $paused
	number=0
	for directory in $(data_directories); do
		number=$((number + 1))
		catch_up "$directory" "$SHADOW/data/$number"
	done
	# shellcheck disable=SC2086 # ids of processes
	kill -CONT $paused
	pause=$(since "$stopped")
	paused=''
	kill "$watchdog" 2>/dev/null || :
	awk -v pause="$pause" -v limit="$PAUSE_LIMIT" 'BEGIN { exit !(pause < limit) }' ||
		fail "what changed while the data were copied took longer than $PAUSE_LIMIT s to copy; try again when less is written"
	figure pauseSeconds "$pause"
	figure copySeconds "$(since "$begun")"
}

# What is installed, as hard links: nothing of it is written in place. Config, ledger and tools as copies.
copy_prefix() {
	mkdir -p "$SHADOW/opt" "$SHADOW/var/lib" "$SHADOW/var/log" "$SHADOW/var/cache"
	mkdir -m 700 "$SHADOW/run"
	cp -al "$PREFIX/opt/." "$SHADOW/opt/" 2>/dev/null || cp -Rp "$PREFIX/opt/." "$SHADOW/opt/"
	for part in etc bin var/lib/messaging; do
		if [ -d "$PREFIX/$part" ]; then cp -Rp "$PREFIX/$part" "$SHADOW/$part"; fi
	done
	# The new processes take the place of these.
	offloaded=$(cat "$PREFIX/var/lib/messaging/ledger/$STACK"/*-pulsar-offload/inputs 2>/dev/null | sed -n 's/^DIRECTORY=//p')
	if [ -d "${offloaded:-/nonexistent}" ]; then say "$offloaded" >"$SHADOW/offloaded.path"; fi
}

rehearse() {
	started=$(clock)
	check_host
	service_entries | while IFS= read -r path; do
		(load_service "$path" && case " $PRODUCTS " in *" $PRODUCT "*) say "$path" ;; esac)
	done >"$WORK/services"
	[ -s "$WORK/services" ] || fail "the ledger of stack $STACK in $PREFIX has no service of $PRODUCTS; npm run up"
	take_lock
	check_room
	while IFS= read -r path; do
		probes="$probes $path"
		(load_probe "$path" && probe_objects >"$WORK/inside/$NAME.objects" && make_probe) || exit
	done <"$WORK/services"
	say "copying"
	rm -rf "$SHADOW"
	mkdir "$SHADOW"
	copy_prefix
	copy_data
	export PREFIX STACK SHADOW WORK
	# shellcheck disable=SC2086 # options
	unshare $user --mount sh "$WORK/inside/inside.sh" mounted </dev/null
	# Not before: Pulsar may have offloaded what is in it, and the copy reads it from there.
	for path in $probes; do (load_probe "$path" && drop_probe); done
	probes=''
	figure diskBytes "$((($(kilobytes_in "$SHADOW/data") + $(added_kilobytes)) * 1024))"
	rm -rf "$SHADOW"
	figure seconds "$(since "$started")"
}

# What is in the copy of opt and not in opt itself.
added_kilobytes() {
	(cd "$SHADOW/opt" && find . -mindepth 2 -maxdepth 2 -type d) | while IFS= read -r version; do
		[ -d "$PREFIX/opt/$version" ] || kilobytes_in "$SHADOW/opt/$version"
	done | awk '{ sum += $1 } END { print sum + 0 }'
}
