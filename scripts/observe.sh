#!/bin/sh
# Reports what a host is, in one round trip and without anything of ours installed: sh -s -- PREFIX STACK [PORT ...] < this file
#
# One fact a line, fields separated by tabs:
#   platform     OS-architecture in Go's words
#   memory       bytes of RAM
#   user         who carries out the tasks
#   filesystem   mount point, bytes, bytes available; of each directory that is asked about
#   listener     port, pid or `unknown`, command of the process that listens there, on an address that conflicts with 127.0.0.1
#   stack        project and stack that installed into this prefix
#   own          pid of a process that this prefix runs
#   task         resource, when it was last applied, format of its entry in the ledger
#   difference   resource, a line that is expected or found
#   refusal      a line that says why a declared change must not be applied
#
# The program appends FORMAT, that of the entries it writes, DECLARED, the resources of guarded tasks, a `guard` with the inputs of each as a here-document, a `file_system` for
# each directory, and `observe_tasks`.
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
report user "$(id -un)"

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

# Every task in the ledger; one that is not declared any more is going to be removed.
observe_tasks() {
	[ -x "$scripts/task.sh" ] || return 0
	report stack "$(cat "$scripts/stack")"
	observe_scripts
	for entry in "$prefix/var/lib/messaging/ledger/$stack"/*/; do
		[ -f "$entry/inputs" ] || continue
		resource=$(basename "$entry")
		entry_format=$(sed -n -e 's/^FORMAT=//p' -e '/^$/q' "$entry/inputs")
		report task "$resource" "$(cat "$entry/applied")" "${entry_format:-0}"
		# An entry of another format may mean something else to the scripts: it is no drift, and the next up writes it anew.
		[ "$entry_format" != "$FORMAT" ] || "$scripts/task.sh" differences <"$entry/inputs" 2>&1 | while IFS= read -r line; do report difference "$resource" "$line"; done
		case " ${DECLARED-$resource} " in *" $resource "*) continue ;; esac
		"$scripts/task.sh" refusals_of_removal <"$entry/inputs" 2>/dev/null | while IFS= read -r line; do report refusal "$line"; done
	done
}
