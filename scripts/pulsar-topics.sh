# shellcheck shell=sh disable=SC2016,SC2034 # jq programs with $variables, for the script that sources this
# A Pulsar topic in jq: its partitions, and subscriptions that exist.

topics='
	# Everything that follows from a topic: { partitions, subscriptions }, or null when there is none. $wanted: what is asked for by path below the topic;
	# $earlier: what was written earlier and, when it is not asked for any more, must not exist.
	def topic($path; $wanted; $earlier): . as $live
		| (($earlier | map_values(null)) + $wanted) as $goal
		| def exists($key): $live.subscriptions // [] | index($key | ltrimstr("subscription/")) != null;
		def is($key; $exists): if $key == "partitions" then $live.partitions elif $exists then "exists" else "absent" end;
		# Without a position a new subscription starts behind the last message.
		def subscribe: if . == "earliest" then " {\"ledgerId\":-1,\"entryId\":-1,\"partitionIndex\":-1}" else "" end;
		{
			desired: [$goal | to_entries[] | "\(.key) \(if .key == "partitions" then .value elif .value then "exists" else "absent" end)"],
			found: [$goal | keys[] | "\(.) \(is(.; exists(.)))"],
			requests: [
				($goal.partitions | select(. != $live.partitions)
					| if . == 0 then "PUT \($path)" elif $live == null then "PUT \($path)/partitions \(.)" else "POST \($path)/partitions \(.)" end),
				($goal | to_entries[] | select(.key != "partitions")
					| if .value and (exists(.key) | not) then "PUT \($path)/\(.key)\(.value | subscribe)"
					  elif .value == null and exists(.key) then "DELETE \($path)/\(.key)?force=true"
					  else empty end)
			],
			impossible: [select(. != null) | $goal.partitions as $partitions | .partitions as $has
				| if $has == 0 and $partitions > 0 then "exists without partitions, \($partitions) are asked for; Pulsar cannot divide a topic"
				  elif $partitions < $has then "has \($has) partitions, \($partitions) are asked for; Pulsar can add partitions, not take them away: declare \($has)"
				  else empty end],
			unsubscribed: [$goal | to_entries[] | select(.value == null and exists(.key)) | .key | ltrimstr("subscription/")]
		};
'
