#!/bin/sh
# Reports what a host is, in one round trip and without anything of ours installed: sh -s -- PREFIX STACK [PORT ...] < this file
#
# One fact a line, fields separated by tabs:
#   platform     OS-architecture in Go's words
#   memory       bytes of RAM
#   filesystem   mount point, bytes, bytes available; of each directory that is asked about
#   user         id and name of the user that tasks run as
#   home         home of the user that logs in
#   init         what runs as process 1 as far as it concerns us: systemd, launchd or other
#   linger       yes: the user's own systemd manager runs without a session; with `memory` it may cap memory
#   programs     which of those that tasks may need are there
#   reaches      yes or no: can a file be fetched from its source? Asked of a bare host only
#   listener     port, pid or `unknown`, command of the process that listens there, on an address that conflicts with 127.0.0.1
#   stack        project and stack that installed into this prefix
#   own          pid of a process that this prefix runs
#   task         resource, when it was last applied, format of its entry in the ledger, version of an artefact that was copied to the host
#   difference   resource, a line that is expected or found
#   refusal      a line that says why a declared change must not be applied
#
# The program appends `reach URL`, FORMAT, that of the entries it writes, DECLARED, the resources of guarded tasks, a `guard` with the inputs of each as a here-document, a
# `file_system` for each directory, and `observe_tasks`.
set -u

prefix=$1
stack=$2
shift 2

report() {
	first=$1
	shift
	printf '%s' "$first"
	for field in "$@"; do printf '\t%s' "$field"; done
	printf '\n'
}

os=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
x86_64 | amd64) architecture=amd64 ;;
aarch64 | arm64) architecture=arm64 ;;
*) architecture=$(uname -m) ;;
esac
report platform "$os-$architecture"

if [ -r /proc/meminfo ]; then
	report memory "$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)"
else
	report memory "$(sysctl -n hw.memsize)"
fi

uid=$(id -u)
report user "$uid" "$(id -un)"
report home "${LOGIN_HOME:-${HOME:-/}}"

if [ -d /run/systemd/system ]; then
	report init systemd
	if [ "$uid" != 0 ] && [ -S "/run/user/$uid/systemd/private" ] && [ -e "/var/lib/systemd/linger/$(id -un)" ]; then
		case $(cat "/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service/cgroup.controllers" 2>/dev/null) in
		*memory*) report linger yes memory ;;
		*) report linger yes ;;
		esac
	fi
elif [ "$os" = darwin ]; then
	report init launchd
else
	report init other
fi

programs=
for program in curl wget bash python3 unzip systemd-sysusers useradd; do
	if command -v "$program" >/dev/null 2>&1; then programs="$programs $program"; fi
done
report programs "$programs"

# Listening sockets on 127.0.0.1 or on every address, and who holds them; the descriptors of a process are readable for its user and root only. The kernel
# writes addresses in hexadecimal, IPv4 in host byte order. One ls for all processes: a JVM has hundreds of descriptors.
linux_listeners() {
	sockets=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v wanted="$*" '
		BEGIN { for (i = split(wanted, ports, " "); i > 0; i--) port[sprintf("%04X", ports[i])] = ports[i] }
		$4 == "0A" && split($2, address, ":") == 2 && address[1] ~ /^(0100007F|7F000001|0+|0*FFFF00000100007F)$/ && address[2] in port {
			printf "%s %s ", port[address[2]], $10
			delete port[address[2]]
		}')
	[ -n "$sockets" ] || return 0
	# shellcheck disable=SC2012 # the target of a link is all that is read
	ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v sockets="$sockets" '
		BEGIN { for (i = split(sockets, fields, " "); i > 0; i -= 2) holder[port["socket:[" fields[i] "]"] = fields[i - 1]] = "unknown" }
		/^\/proc\// { split($0, path, "/") }
		$NF in port { holder[port[$NF]] = path[3] }
		END { for (number in holder) print number, holder[number] }' |
		while read -r number pid; do
			if [ "$pid" = unknown ]; then
				report listener "$number" unknown "a process of another user"
			else
				report listener "$number" "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
			fi
		done
}

bsd_listeners() {
	lsof -nP "-iTCP:$1" -sTCP:LISTEN -Fpcn 2>/dev/null | awk -v port="$1" '
		BEGIN { OFS = "\t" }
		/^p/ { pid = substr($0, 2) }
		/^c/ { command = substr($0, 2) }
		/^n(\*|127\.0\.0\.1|\[::\]):/ { print "listener", port, pid, command; exit }'
}

if [ -r /proc/net/tcp ]; then
	linux_listeners "$@"
else
	for port in "$@"; do bsd_listeners "$port"; done
fi

for pid_file in "$prefix"/run/*.pid; do
	if [ -s "$pid_file" ]; then report own "$(cat "$pid_file")"; fi
done

# The file system that holds a directory, or will: that of the nearest one above it which exists.
file_system() {
	directory=$1
	until [ -d "$directory" ]; do directory=$(dirname "$directory"); done
	df -Pk "$directory" | awk 'NR == 2 {
		mount = $6
		for (i = 7; i <= NF; i++) mount = mount " " $i
		printf "filesystem\t%s\t%.0f\t%.0f\n", mount, $2 * 1024, $4 * 1024
	}'
}

scripts=$prefix/opt/messaging

# Says whether the host can fetch a file itself, unless it has artefacts already and so has been asked.
reach() {
	[ -d "$prefix/opt/gojq" ] && return
	if curl -fsIL --connect-timeout 4 --max-time 8 -o /dev/null "$1" 2>/dev/null || wget -q --spider -T 4 -t 1 "$1" 2>/dev/null; then
		report reaches yes
	else
		report reaches no
	fi
}

# Asks the host whether a declared task (its inputs on standard input) may be applied.
guard() {
	[ -x "$scripts/task.sh" ] || return 0
	"$scripts/task.sh" refusals 2>/dev/null | while IFS= read -r line; do report refusal "$line"; done
}

observe_scripts() {
	resource=$(cat "$scripts/resource")
	report task "$resource" "$(cat "$scripts/applied")"
	# shellcheck source=scripts/lib.sh
	. "$scripts/lib.sh"
	now=$(mktemp)
	script_digests "$scripts" >"$now"
	compare_lines "$scripts/digests" "$now" | while IFS= read -r line; do report difference "$resource" "$line"; done
	rm -f "$now"
}

# The process of a unit in the ledger.
own_unit() {
	case $1 in
	user) pid=$(XDG_RUNTIME_DIR=/run/user/$uid systemctl --user show -p MainPID --value "$2" 2>/dev/null) ;;
	*) pid=$(systemctl show -p MainPID --value "$2" 2>/dev/null) ;;
	esac
	case $pid in '' | 0) ;; *) report own "$pid" ;; esac
}

# Every task in the ledger, a few side by side: each asks a service or reads files, and waits most of its time.
observe_tasks() {
	[ -x "$scripts/task.sh" ] || return 0
	report stack "$(cat "$scripts/stack")"
	observe_scripts
	parts=$(mktemp -d)
	number=0
	for entry in "$prefix/var/lib/messaging/ledger/$stack"/*/; do
		[ -f "$entry/inputs" ] || continue
		number=$((number + 1))
		say "$entry" >>"$parts/$((number % 4))"
	done
	for part in "$parts"/?; do
		[ -f "$part" ] || continue
		while IFS= read -r entry; do observe_task "$entry"; done <"$part" >"$part.observed" &
	done
	wait
	cat "$parts"/*.observed 2>/dev/null
	rm -rf "$parts"
}

# One task, by its entry in the ledger; one that is not declared any more is going to be removed.
observe_task() {
	resource=$(basename "$1")
	entry_format='' copied='' unit='' scope=''
	while IFS='=' read -r key value; do
		case $key in
		FORMAT) entry_format=$value ;;
		COPIED) copied=$value ;;
		UNIT) unit=$value ;;
		SCOPE) scope=$value ;;
		'') break ;;
		esac
	done <"$1/inputs"
	report task "$resource" "$(cat "$1/applied")" "${entry_format:-0}" "$copied"
	if [ -n "$unit" ]; then own_unit "$scope" "$unit"; fi
	# An entry of another format may mean something else to the scripts: it is no drift, and the next up writes it anew.
	[ "$entry_format" != "$FORMAT" ] || "$scripts/task.sh" differences <"$1/inputs" 2>&1 | while IFS= read -r line; do report difference "$resource" "$line"; done
	case " ${DECLARED-$resource} " in *" $resource "*) return ;; esac
	"$scripts/task.sh" refusals_of_removal <"$1/inputs" 2>/dev/null | while IFS= read -r line; do report refusal "$line"; done
}
