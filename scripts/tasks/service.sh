# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # inputs come from task.sh, which reads COMPARED
# Runs a service: switches its version, config and definition to the candidates, reloads or restarts it, proves that it is healthy and that the values in
# effect are the asked ones, and switches back when it is not.
#
# NAME            service
# PRODUCT         what it runs
# CURRENT         name of the link to the version that it runs, in opt/PRODUCT
# MANAGER         supervisord, systemd or launchd, each with inputs of its own
# VERSION         of the product
# DATA            directory of the product's data
# KEEP_VERSIONS   how many versions stay installed, this one included
# CONFIGS         candidates <link>.<digest>, the product's main config first
# DEFINITION      candidate of the definition

# Inputs of an earlier format name a service as its product.
: "${PRODUCT:=$NAME}" "${CURRENT:=current}"

# What a product may define: lines that say why this version must not run with a config, and what to remember once it does.
product_refusals() {
	:
}
product_proven() {
	:
}
# Lines that name objects on the running server which no entry of this stack's ledger declares.
product_unmanaged() {
	:
}
# Copies what the product stores into a directory, and takes it from there; the running server must be there. None for what stores nothing of its own.
product_backup() {
	:
}
product_restore() {
	:
}
# Has the running process take over the config that the links point at by now; says why not when it fails. The signal is no proof: waits until the product
# says that it has taken a config over.
product_reload() {
	before=$(product_loaded "$CONFIG")
	manager_reload "$NAME"
	waited=0
	while [ "$(product_loaded "$CONFIG")" = "$before" ]; do
		waited=$((waited + 1))
		if [ "$waited" -gt 50 ]; then
			say "$NAME refuses the reload; it goes on with its earlier config."
			return 1
		fi
		pause 0.1
	done
}
# What has to be done with a config before the server starts on it.
product_before_restart() {
	:
}
# What has to be well besides an answer, once the config is new: says what is not when it fails.
product_connected() {
	:
}
# What a manager may define: what is in effect besides the definition's text, a line each, as it has to be and as it is.
manager_wanted() {
	:
}
manager_effective() {
	:
}
# shellcheck source=/dev/null
. "$LIB/managers/$MANAGER.sh"
# shellcheck source=/dev/null
. "$LIB/products/$PRODUCT.sh"

current=$PREFIX/opt/$PRODUCT/$CURRENT
definition_link=$(manager_definition "$NAME")
main_config=${CONFIGS%% *}
CONFIG=${main_config%.*}
links="$current $definition_link"
for candidate in $CONFIGS; do links="$links ${candidate%.*}"; done

# Target that a link has when the inputs are in effect.
target_for() {
	case $1 in
	"$definition_link") say "$DEFINITION" ;;
	"$current") say "$VERSION" ;;
	*) for candidate in $CONFIGS; do
		if [ "${candidate%.*}" = "$1" ]; then basename "$candidate"; fi
	done ;;
	esac
}

# The values in effect are compared while the service answers, which `observe` is told; that it does not is one difference, not one for each value.
desired() {
	for link in $links; do say "$link -> $(target_for "$link")"; done
	say "$NAME running"
	manager_wanted
	answers=no
	if product_ready "$CONFIG"; then
		answers=yes
		product_wanted "$main_config" "$DEFINITION" | sed 's/^/in effect: /'
	fi
}

observe() {
	for link in $links; do say "$link -> $(link_target "$link")"; done
	state=$(manager_state "$NAME")
	manager_effective
	if [ "$answers" = no ]; then
		say "$NAME $state, does not answer"
		return
	fi
	say "$NAME $state"
	product_effective "$CONFIG" | sed 's/^/in effect: /'
}

refusals() {
	product_refusals "$main_config"
}

unmanaged() {
	if product_ready "$CONFIG"; then product_unmanaged "$CONFIG"; fi
}

backup() {
	product_ready "$CONFIG" || fail "$NAME does not answer; run npm run up first"
	product_backup "$BACKUP/$NAME"
}

restore() {
	[ -d "$BACKUP/$NAME" ] || return 0
	product_ready "$CONFIG" || fail "$NAME does not answer; run npm run up first"
	product_restore "$BACKUP/$NAME"
}

remember_links() {
	for link in $links; do say "$link $(link_target "$link")"; done >"$WORK/links"
}

# Reads `link target` lines; what was no link goes away.
switch_links() {
	while read -r link target; do
		case $target in absent | 'no link') rm -f "$link" ;; *) link_to "$link" "$target" ;; esac
	done
}

# Waits until the product answers and its manager is content; gives up early when the manager has.
wait_until_ready() {
	started=$(date +%s) looks=0
	while [ $(($(date +%s) - started)) -lt "${product_ready_seconds:=30}" ]; do
		state=$(manager_state "$NAME")
		case $state in
		running) if product_ready "$CONFIG"; then return; fi ;;
		fatal | stopped* | absent | exited) break ;;
		esac
		# Often at first, for what starts at once; what takes long wants the processor for itself.
		looks=$((looks + 1))
		if [ "$looks" -le 10 ]; then pause 0.05; else pause 0.5; fi
	done
	say "$NAME is $state and does not answer after $(($(date +%s) - started)) s (limit: $product_ready_seconds s)."
	return 1
}

# Is the config all that differs, and does the product take those changes over without a restart? Which values are in effect follows from it.
can_reload() {
	if say "$left" | cut -c 11- | grep -v '^in effect: ' | grep -qvF "$CONFIG -> "; then return 1; fi
	product_reloads "$CONFIG" "$main_config"
}

# Puts the links as they are into effect (reload or restart); says why not when it fails.
start_and_prove() {
	if [ "$1" = reload ]; then
		product_reload || return 1
	else
		product_before_restart "$CONFIG" || return 1
		manager_restart "$NAME" >"$WORK/restart" 2>&1 || :
	fi
	wait_until_ready || return 1
	product_connected "$CONFIG" || return 1
	left=$(differences)
	[ -z "$left" ] || {
		say "$NAME runs, but not with the values asked for:
$left"
		return 1
	}
}

# Does something with the manager that has kept the service alive so far, where that was another one. A rehearsal leaves it what it has.
with_earlier_manager() (
	[ -f "$ENTRY/inputs" ] && [ "$MANAGER" != rehearsal ] || return 1
	earlier=$(sed -n 's/^MANAGER=//p' "$ENTRY/inputs")
	[ -n "$earlier" ] && [ "$earlier" != "$MANAGER" ] || return 1
	take_inputs "$ENTRY/inputs"
	# shellcheck source=/dev/null
	. "$LIB/managers/$MANAGER.sh"
	"$1"
)

# It has the ports and the data.
let_go() {
	rm -f "$(manager_definition "$NAME")"
	manager_forget "$NAME"
}

take_again() {
	link_to "$(manager_definition "$NAME")" "$DEFINITION"
	manager_restart "$NAME" >/dev/null 2>&1
	say "Switched back: $NAME runs under $MANAGER as it did before."
}

roll_back() {
	switch_links <"$WORK/links"
	if grep -q -e "^$definition_link absent\$" -e "^$definition_link no link\$" "$WORK/links"; then
		manager_forget "$NAME"
		with_earlier_manager take_again || say "There was no earlier state to go back to: $NAME is stopped."
	elif (product_before_restart "$CONFIG") && manager_restart "$NAME" >/dev/null 2>&1 && wait_until_ready >/dev/null; then
		say "Switched back: $NAME runs as it did before."
	else
		say "Switched back, but $NAME does not run on the earlier state either."
	fi
}

# Is it on its way already? Its manager has started it again, or an earlier run was cut off after it did.
comes_by_itself() {
	for link in $links; do
		if [ "$(link_target "$link")" != "$(target_for "$link")" ]; then return 1; fi
	done
	case $(manager_state "$NAME") in running | starting) wait_until_ready >/dev/null && [ -z "$(differences)" ] ;; *) return 1 ;; esac
}

apply() {
	# What makes it run compares in the end, or goes back.
	COMPARED=yes
	if comes_by_itself; then
		say "$NAME $VERSION running"
		return
	fi
	remember_links
	if can_reload; then how=reload; else how=restart; fi
	mkdir -p "$(dirname "$definition_link")"
	for link in $links; do say "$link $(target_for "$link")"; done | switch_links
	with_earlier_manager let_go || :
	if ! start_and_prove "$how" >"$WORK/reason"; then
		manager_log "$NAME" >"$WORK/service-log"
		roll_back >"$WORK/outcome"
		fail "$(cat "$WORK/reason")
last lines of its log:
$(cat "$WORK/service-log")
$(cat "$WORK/outcome")"
	fi
	product_proven "$CONFIG"
	# What the manager did away with, such as a drop-in.
	sed -n '/ is removed: /p' "$WORK/restart" 2>/dev/null || :
	for candidate in $CONFIGS "$DEFINITION"; do prune_candidates "$candidate"; done
	prune_versions
	say "$NAME $VERSION running ($how)"
}

# Removes the candidates of a file except the one in effect.
prune_candidates() {
	for other in "${1%.*}".*; do
		if [ "$other" != "$1" ]; then rm -rf "$other"; fi
	done
}

# Removes the versions that were installed longest ago, except those that another service runs; going back to one that is kept needs no download.
prune_versions() {
	kept=1 running=
	for link in "$PREFIX/opt/$PRODUCT"/*; do
		if [ -L "$link" ]; then running="$running $(link_target "$link") "; fi
	done
	# shellcheck disable=SC2012 # names of versions, ours
	ls -t "$PREFIX/opt/$PRODUCT" >"$WORK/versions"
	while IFS= read -r version; do
		case $running in *" $version "*) continue ;; esac
		if [ -L "$PREFIX/opt/$PRODUCT/$version" ]; then continue; fi
		kept=$((kept + 1))
		if [ "$kept" -gt "$KEEP_VERSIONS" ]; then rm -rf "${PREFIX:?}/opt/$PRODUCT/$version"; fi
	done <"$WORK/versions"
}

remove() {
	rm -f "$definition_link"
	manager_forget "$NAME"
	for link in $links; do rm -f "$link"; done
	rm -f "$PREFIX/run/$NAME".* "$PREFIX/var/log/$NAME.log"*
	say "$NAME stopped and removed; its data is kept"
}
