# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154 # templates of Go have $variables; inputs come from task.sh, tasks use the names
# Services as containers of a Docker engine: the manager_* functions that the service task calls. The containers are made, and removed, by the program's Docker
# provider: one for each definition. The definition that is in effect says which of them runs.
#
# ENGINE   address of the engine, as in DOCKER_HOST
# UNIT     label of the service's containers
# NETWORK  that they are in
# VOLUMES  names of their volumes

gojq=$PREFIX/opt/gojq/current/gojq

docker_engine() {
	docker --host "$ENGINE" "$@"
}

# Where the definition of a service is.
manager_definition() {
	say "$PREFIX/etc/docker/$1"
}

# What a container of a definition is called in a report; the definition ends in its digest.
container_of() {
	say "$UNIT-${1##*.}"
}

# Id of the container of the current definition: the last that was made, because an earlier one may be about to go.
container() {
	effective=$(link_target "$(manager_definition "$1")")
	docker_engine ps --all --quiet --no-trunc --filter "label=messaging.unit=$UNIT" --filter "label=messaging.definition=${effective##*.}" | sed -n 1p
}

# Values of a container by a template of Go; fails when it is not there.
inspect() {
	docker_engine inspect --type container --format "$2" "$(container "$1")" 2>/dev/null
}

# running, or what it is instead, in the words that every manager uses.
manager_state() {
	state=$(inspect "$1" '{{.State.Status}} {{.RestartCount}} {{with .State.Health}}{{.Status}}{{end}} {{.State.Error}}') || state=
	# shellcheck disable=SC2086 # words
	set -- $state
	case ${1:-} in
	running) if [ "${3:-}" = unhealthy ]; then say unhealthy; else say running; fi ;;
	restarting) if [ "$2" -gt 3 ]; then say fatal; else say starting; fi ;;
	'') if docker_engine version >/dev/null 2>&1; then say absent; else say "stopped (no engine at $ENGINE)"; fi ;;
	*)
		shift 2
		case ${1:-} in healthy | unhealthy | starting) shift ;; esac
		say "stopped${*:+ ($*)}"
		;;
	esac
}

manager_pid() {
	inspect "$1" '{{.State.Pid}}'
}

definition_value() {
	"$gojq" -r ".$1" "$DEFINITION"
}

# What can be changed of a container once it is made, and what it leans on, a line each.
manager_wanted() {
	name=$(container_of "$DEFINITION")
	say "container $name"
	say "memory cap $(($(definition_value memoryMebibytes) * 1048576)), without swap"
	say "restart $(definition_value restart)"
	say "network $NETWORK"
	for volume in $VOLUMES; do say "volume $volume"; done
}

manager_effective() {
	name=$(container_of "$(link_target "$(manager_definition "$NAME")")")
	if found=$(inspect "$NAME" '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.RestartPolicy.Name}} {{range $key, $_ := .NetworkSettings.Networks}}{{$key}} {{end}}'); then
		# shellcheck disable=SC2086 # words
		set -- $found
		say "container $name"
		if [ "$1" = "$2" ]; then swap='without swap'; else swap="with swap up to $2"; fi
		say "memory cap $1, $swap"
		say "restart $3"
		shift 3
		docker_engine network inspect "$NETWORK" >/dev/null 2>&1 || set -- "$NETWORK absent"
		say "network ${*:-absent from $name}"
	else
		say "container $name absent"
		if docker_engine network inspect "$NETWORK" >/dev/null 2>&1; then say "network $NETWORK"; else say "network $NETWORK absent"; fi
	fi
	# Left by a run that failed. The program is about to remove all but the one that it makes, so the service has to be looked after whatever runs now.
	if [ "${verb:-}" = differences ] && [ "$(docker_engine ps --all --quiet --filter "label=messaging.unit=$UNIT" | wc -l)" -gt 1 ]; then
		say "container others beside $name"
	fi
	for volume in $VOLUMES; do
		if docker_engine volume inspect "$volume" >/dev/null 2>&1; then say "volume $volume"; else say "volume $volume absent"; fi
	done
}

running_containers() {
	docker_engine ps --quiet --no-trunc --filter "label=messaging.unit=$UNIT"
}

# Gives the user of a definition what another has written meanwhile: the service as it ran without a container, until it stopped.
own_data() {
	[ "$(id -u)" -eq 0 ] || return 0
	user=$("$gojq" -r .user "$1")
	"$gojq" -r '.data[], .logs[]' "$1" | while IFS= read -r directory; do
		find "$directory" ! -user "${user%:*}" -exec chown "$user" {} +
	done
}

# Starts the container of the current definition, stopping what runs of the service. Whether it is well is for the caller to see.
manager_restart() {
	# shellcheck disable=SC2046 # ids
	set -- "$(container "$1")" $(running_containers)
	target=$1
	shift
	[ "$#" -eq 0 ] || docker_engine stop "$@" >/dev/null
	definition=$(link_target "$(manager_definition "$NAME")")
	own_data "$definition"
	cap=$("$gojq" -r .memoryMebibytes "$definition")m
	docker_engine update --memory "$cap" --memory-swap "$cap" --restart "$("$gojq" -r .restart "$definition")" "$target" >/dev/null
	docker_engine network connect --alias "$NAME" "$NETWORK" "$target" >/dev/null 2>&1 || :
	docker_engine start "$target" >/dev/null
}

# Stops the service until it is restarted.
manager_stop() {
	# shellcheck disable=SC2046 # ids
	set -- $(running_containers)
	[ "$#" -eq 0 ] || docker_engine stop "$@" >/dev/null
}

# Makes the running service read its config again. A signal that `docker kill` sends counts as a stop: the engine would not start the service again when it ends
# (https://github.com/moby/moby/issues/41302). A mounted file that was replaced takes another start: the container has the one before until then.
manager_reload() {
	set -- "$1" "$(container "$1")"
	"$gojq" -r '.configs[]' "$(link_target "$(manager_definition "$1")")" | while IFS= read -r path; do
		[ -d "$path" ] || docker_engine exec "$2" cat "$path" </dev/null | cmp -s - "$path" || say "$path"
	done >"$WORK/replaced"
	if [ -s "$WORK/replaced" ]; then
		manager_restart "$1"
	else
		docker_engine exec "$2" /bin/sh -c 'kill -HUP 1' >/dev/null
	fi
}

# Stops the service; its containers are the provider's to remove.
manager_forget() {
	manager_stop "$1"
}

# The last lines that the service printed; the second argument is their number, or all.
manager_log() {
	docker_engine logs --tail "${2:-15}" "$(container "$1")" 2>&1 || :
}

# As log_since of lib.sh; a position is the time of the last line.
manager_log_since() {
	if [ -n "${3:-}" ]; then set -- "$1" --since "$3" "$3"; else set -- "$1" --tail "$2" ''; fi
	docker_engine logs --timestamps "$2" "$3" "$(container "$1")" 2>&1 | sort -s -k 1,1 | awk -v position="$4" '
		$1 > position { last = $1; print substr($0, length($1) + 2) }
		END { printf "\036%s\n", last == "" ? position : last }'
}
