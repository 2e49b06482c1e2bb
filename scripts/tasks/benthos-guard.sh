# shellcheck shell=sh disable=SC2154 # inputs come from task.sh
# Asks whether the services that pipelines need and that are not of this stack answer. The body has a line for each: host, port, what it is.

# Does a connection come about? What a server that speaks no HTTP makes of the request does not matter.
reachable() {
	connected=$(curl -q -s --noproxy '*' --connect-timeout 2 --max-time 3 -o "$WORK/answer" -w '%{time_connect}' "http://$1:$2/") || :
	[ "${connected:-0.000000}" != 0.000000 ]
}

refusals() {
	while read -r host port what; do
		reachable "$host" "$port" || say "$what: nothing answers on $host:$port; start it, or name the one that runs"
	done <"$WORK/body"
}
