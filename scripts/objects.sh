# shellcheck shell=sh disable=SC2034,SC2154 # inputs come from task.sh, which reads SKIP_UNCHANGED
# What tasks share that declare all objects of a server at once: the body has a line for each object and each of its properties, `OBJECT [PROPERTY VALUE]`. What
# one of them fails at does not keep the others from becoming as they are declared.

# A task's script defines besides
#   look   asks the server and writes what follows from the body and the answers to $VIEW, each line under a heading
#   weigh  has it there, too, why objects must not be changed

# Definitions for the jq program that does.
# shellcheck disable=SC2016 # jq programs have $variables
object_definitions='
	def lines_of: split("\n") | map(select(. != ""));

	# Declared objects by name, each with what it is declared with by key.
	def declared_objects: [lines_of[] | split(" ")] | group_by(.[0])
		| map({ key: .[0][0], value: (map(select(length > 1) | { key: .[1], value: (.[2:] | join(" ") | fromjson) }) | from_entries) }) | from_entries;

	def how_to_consent: "To accept the loss, add \"\(.)\" to messaging:allowDataLoss.";
'

VIEW=$WORK/view
LEDGER=$PREFIX/var/lib/messaging/ledger/$STACK

# What was written earlier, by the last run and by runs that were cut off since: what it has and the body has not is unset or removed.
APPLIED=$WORK/applied
: >"$APPLIED"
if [ -f "$ENTRY/inputs" ]; then sed '1,/^$/d' "$ENTRY/inputs" >"$APPLIED"; fi
if [ -f "$ENTRY/begun" ]; then cat "$ENTRY/begun" >>"$APPLIED"; fi

# Objects that were written earlier and are not declared any more.
undeclared() {
	awk 'FILENAME == ARGV[1] { declared[$1] = 1; next } !declared[$1]++ { print $1 }' "$WORK/body" "$APPLIED"
}

# Removing shows in no difference: what is kept has to stay for good. Called when everything that was written earlier is in $APPLIED.
look_at_undeclared() {
	if [ -n "$(undeclared)" ]; then SKIP_UNCHANGED=no; fi
}

nothing_declared() {
	cat "$WORK/body" >>"$APPLIED"
	: >"$WORK/body"
}

# Lines of the view under a heading.
under() {
	sed -n "s/^$1 //p" "$VIEW"
}

desired() {
	look
	under desired
}

observe() {
	under found
}

# What would be lost, object by object. In apply, what is refused is left out there.
refusals() {
	if [ "$verb" = apply ]; then return; fi
	weigh
	under refusal | sed 's/^[^ ]* //'
}

# Remembers the body before its first request, until all of it is applied.
begin() {
	[ -d "$ENTRY" ] || mkdir -p "$ENTRY"
	cat "$APPLIED" "$WORK/body" | sort -u >"$ENTRY/begun.new"
	mv "$ENTRY/begun.new" "$ENTRY/begun"
}

# Ends the run where something is left in $WORK/left, an object and why on each line.
report_what_is_left() {
	if [ -s "$WORK/left" ]; then
		fail "these are not as declared, everything else is:
$(sed 's/^[^ ]* //' "$WORK/left" | sort -u)"
	fi
}
