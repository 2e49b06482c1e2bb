# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Writes a context of the nats CLI, the JSON of the body, into the user's configuration. Never selects it, never touches one that is not ours.
#
# NAME

directory=${XDG_CONFIG_HOME:-$HOME/.config}/nats/context
context=$directory/$NAME.json

desired() {
	wanted_file "$context" "$NAME"
}

observe() {
	found_file "$context" "$NAME"
}

# Does something lie there that another hand has made?
is_foreign() {
	if ! [ -e "$context" ] && ! [ -L "$context" ]; then return 1; fi
	! grep -q '"description":.*Managed by Pulumi' "$context" 2>/dev/null
}

apply() {
	if is_foreign; then
		fail "$context was not made by this project (its description does not say \"Managed by Pulumi\") and is left alone.
Rename or remove that nats context and run again."
	fi
	mkdir -p "$directory"
	rm -f "$context.new"
	cp "$WORK/body" "$context.new"
	mv "$context.new" "$context"
	say "nats context $NAME written"
}

remove() {
	if is_foreign; then
		say "nats context $NAME kept: it is not ours"
	else
		rm -f "$context"
		rmdir "$directory" 2>/dev/null || :
		say "nats context $NAME removed"
	fi
}
