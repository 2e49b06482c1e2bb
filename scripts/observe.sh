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
#   server       port, product, what keeps it alive and the directory of its data, for a NATS server or a Pulsar that listens there; of a Pulsar also the
#                directory and the id of its bookie
#   earlier      property list that starts a Pulsar set up in an earlier way, and the PULSAR_PREFIX that it names
#   stack        project and stack that installed into this prefix
#   own          pid of a process that this prefix runs
#   published    port that a container of this prefix publishes
#   engine       version of a Docker engine that was asked about, or nothing and why
#   task         resource, when it was last applied, format of its entry in the ledger, version of an artefact that was copied to the host
#   difference   resource, a line that is expected or found
#   refusal      a line that says why a declared change must not be applied
#   unmanaged    an object beside the stack's own that is left alone
#
# scripts/servers.sh comes before these lines. The program appends `reach URL`, FORMAT, that of the entries it writes, DECLARED, the resources of guarded tasks, a `guard` with the inputs of each as a here-document, a
# `file_system` for each directory, and `finish`.
set -u

prefix=$1
stack=$2
shift 2
ports=$*

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
for program in curl wget bash python3 unzip systemd-sysusers useradd dpkg-deb; do
	if command -v "$program" >/dev/null 2>&1; then programs="$programs $program"; fi
done
report programs "$programs"

# What is found out beside the rest, a file each.
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT

# Who listens on the given ports; a server mostly listens on several.
observe_listeners() {
	seen=
	listeners "$@" | while read -r number pid; do
		if [ "$pid" = unknown ]; then
			report listener "$number" unknown "a process of another user"
			continue
		fi
		if [ "$pid" != "$seen" ]; then
			seen=$pid
			command=$(command_line "$pid" | paste -s -d ' ' -)
			case $(server_of "$pid") in
			nats-server) set -- nats-server "$(manager_of "$pid")" "$(data_of "$pid" nats-server)" ;;
			pulsar) set -- pulsar "$(manager_of "$pid")" "$(data_of "$pid" pulsar)" "$(ledgers_of "$pid")" "$(bookie_of "$pid")" ;;
			*) set -- ;;
			esac
		fi
		report listener "$number" "$pid" "$command"
		if [ $# -gt 0 ]; then report server "$number" "$@"; fi
	done
}

earlier_plists | while IFS= read -r plist; do report earlier "$plist" "$(prefix_of_plist "$plist")"; done

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

# Says whether a Docker engine answers.
engine() {
	if answer=$(docker --host "$1" version --format '{{.Server.Version}}' 2>&1); then report engine "$answer"; else report engine '' "$(printf '%s' "$answer" | tail -n 1)"; fi
}

# Says whether the host can fetch a file itself, unless it has artefacts already and so has been asked.
reach() {
	[ -d "$prefix/opt/gojq" ] && return
	if curl -fsIL --connect-timeout 4 --max-time 8 -o /dev/null "$1" 2>/dev/null || wget -q --spider -T 4 -t 1 "$1" 2>/dev/null; then
		report reaches yes
	else
		report reaches no
	fi
}

guards=0

# Takes the inputs of a declared task on standard input: finish asks the host whether it may be applied.
guard() {
	guards=$((guards + 1))
	cat >"$parts/guard$guards"
}

ask_guards() {
	for inputs in "$parts"/guard[0-9]*; do
		[ -f "$inputs" ] || continue
		"$scripts/task.sh" refusals <"$inputs" 2>/dev/null | while IFS= read -r line; do report refusal "$line"; done
	done
}

observe_scripts() {
	resource=$(cat "$scripts/resource")
	report task "$resource" "$(cat "$scripts/applied")"
	script_digests "$scripts" >"$parts/digests"
	compare_lines "$scripts/digests" "$parts/digests" | while IFS= read -r line; do report difference "$resource" "$line"; done
}

# The process of a unit in the ledger.
own_unit() {
	case $1 in
	user) pid=$(XDG_RUNTIME_DIR=/run/user/$uid systemctl --user show -p MainPID --value "$2" 2>/dev/null) ;;
	*) pid=$(systemctl show -p MainPID --value "$2" 2>/dev/null) ;;
	esac
	case $pid in '' | 0) ;; *) report own "$pid" ;; esac
}

# The ports of the running containers of a service in the ledger.
own_container() {
	docker --host "$1" ps --quiet --filter "label=messaging.unit=$2" 2>/dev/null | while IFS= read -r container; do
		docker --host "$1" inspect --format '{{range .HostConfig.PortBindings}}{{range .}}{{println .HostPort}}{{end}}{{end}}' "$container"
	done | while IFS= read -r port; do [ -z "$port" ] || report published "$port"; done
}

# Every task in the ledger, a few side by side: each asks a service or reads files, and waits most of its time.
observe_tasks() {
	report stack "$(cat "$scripts/stack")"
	# shellcheck source=scripts/lib.sh
	. "$scripts/lib.sh"
	observe_scripts >"$parts/scripts.observed" &
	# Kinds of tasks that may refuse to be removed.
	weighing=$(grep -l '^refusals_of_removal()' "$scripts"/tasks/*.sh)
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
}

finish() {
	installed=no
	if [ -x "$scripts/task.sh" ]; then installed=yes; fi
	{
		# shellcheck disable=SC2086 # numbers
		observe_listeners $ports
		# Afterwards, because guards talk to who listens, and a stranger may end of it.
		if [ "$installed" = yes ]; then ask_guards; fi
	} >"$parts/listeners.observed" &
	if [ "$installed" = yes ]; then observe_tasks; fi
	wait
	cat "$parts"/*.observed
}

# One task, by its entry in the ledger; one that is not declared any more is going to be removed.
observe_task() {
	resource=${1%/}
	resource=${resource##*/}
	task='' entry_format='' copied='' unit='' scope='' engine=''
	while IFS='=' read -r key value; do
		case $key in
		TASK) task=$value ;;
		FORMAT) entry_format=$value ;;
		COPIED) copied=$value ;;
		UNIT) unit=$value ;;
		SCOPE) scope=$value ;;
		ENGINE) engine=$value ;;
		'') break ;;
		esac
	done <"$1/inputs"
	applied=
	read -r applied <"$1/applied"
	report task "$resource" "$applied" "${entry_format:-0}" "$copied"
	if [ -n "$unit" ] && [ -n "$engine" ]; then own_container "$engine" "$unit"; elif [ -n "$unit" ]; then own_unit "$scope" "$unit"; fi
	# An entry of another format may mean something else to the scripts: it is no drift, and the next up writes it anew.
	[ "$entry_format" != "$FORMAT" ] || "$scripts/task.sh" differences <"$1/inputs" 2>&1 | while IFS= read -r line; do report difference "$resource" "$line"; done
	if [ "$task" = service ]; then
		"$scripts/task.sh" unmanaged <"$1/inputs" 2>/dev/null | while IFS= read -r line; do report unmanaged "$line"; done
	fi
	case " ${DECLARED-$resource} " in *" $resource "*) return ;; esac
	case $weighing in *"/$task.sh"*) ;; *) return ;; esac
	"$scripts/task.sh" refusals_of_removal <"$1/inputs" 2>/dev/null | while IFS= read -r line; do report refusal "$line"; done
}
