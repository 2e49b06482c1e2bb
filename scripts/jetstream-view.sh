# shellcheck shell=sh disable=SC2016,SC2034 # jq programs with $variables, for the script that sources this
# What follows from the declared streams and consumers and from what the server has, a line each under a heading:
#   desired  LINE                           of an object as it is declared    found  LINE   of the object as it is
#   request  OBJECT OUTCOME SUBJECT [JSON]  to JetStream's API, that makes it so; an outcome of - is half of the way
#   refusal  OBJECT TEXT                    why the object must not be changed or, in a preview, removed
#   removal  OBJECT OUTCOME SUBJECT         the request that removes what is not declared any more
#   kept     OBJECT WHY                     of what is not declared any more, which stays
#
# It comes after the definitions of scripts/objects.sh. Variables: $body, lines of declared objects; $undeclared and $consents, a line each; $purging, true when every message may go; $jsz, the server's
# answer; $account, whose streams they are; $version of the server; $verb.

view='
	def is_stream: startswith("stream/");
	def stream_of: split("/")[1];
	def api_subject: split("/")[1:] | join(".");

	# The order of a list says something in one key only.
	def value_of($key): .[$key] | if type == "array" and $key != "backoff" then sort else . end;

	# What an update cannot change on a stream (configUpdateCheck in server/stream.go of nats-server 2.10.29 and 2.12.8): it has to be made anew. The last
	# three are nothing that we declare; a stream that another hand has made may have them.
	def fixed_of_stream($live; $new; $version):
		(select($live.storage != $new.storage) | "storage \($live.storage) -> \($new.storage)"),
		(select($live.retention != $new.retention and ([$live.retention, $new.retention] | index("workqueue")))
			| "retention \($live.retention) -> \($new.retention)"),
		(select($live.max_consumers != $new.max_consumers and $version < [2, 12, 5])
			| "max_consumers \($live.max_consumers) -> \($new.max_consumers)"),
		(select($live.mirror and $version < [2, 12]) | "mirror \($live.mirror.name) -> none"),
		(select($live.persist_mode // "default" != "default") | "persist_mode \($live.persist_mode) -> default"),
		(("sealed", "deny_delete", "deny_purge", "allow_msg_ttl", "allow_msg_counter", "allow_msg_schedules") as $key
			| select($live[$key]) | "\($key) true -> false");

	# The same of a consumer (checkNewConsumerConfig in server/consumer.go, the same in both; of mem_storage 2.12.8 accepts a change and need not follow
	# it). What is not declared gets the default of the server.
	def fixed_of_consumer($live; $new):
		{ max_waiting: 512, idle_heartbeat: 0, flow_control: false, mem_storage: false, deliver_subject: "", opt_start_seq: 0, opt_start_time: "" } as $default
		| ("deliver_policy", "ack_policy", "replay_policy", ($default | keys[])) as $key
		| [$live, $new | .[$key] // $default[$key]] | select(.[0] != .[1]) | "\($key) \(.[0]) -> \(.[1])";

	# Why a wanted config would delete messages that the stream holds.
	def losses($info; $new; $fixed): $info.config as $live | $info.state as $state
		| select($state.messages > 0)
		| ($state.first_ts | sub("\\.[0-9]+"; "") | fromdateiso8601) as $oldest
		| $fixed[],
		  (select($live.retention == "limits" and $new.retention == "interest") | "retention limits -> interest"),
		  (select($new.max_msgs >= 0 and $new.max_msgs < $state.messages) | "max_msgs \($new.max_msgs)"),
		  (select($new.max_bytes >= 0 and $new.max_bytes < $state.bytes) | "max_bytes \($new.max_bytes)"),
		  (select($new.max_age > 0 and now - $oldest > $new.max_age / 1000000000 and ($live.max_age == 0 or $live.max_age > $new.max_age)) | "max_age \($new.max_age / 1000000000) s"),
		  (select($new.max_msgs_per_subject > 0 and $new.max_msgs_per_subject < $state.messages
			and ($live.max_msgs_per_subject <= 0 or $new.max_msgs_per_subject < $live.max_msgs_per_subject)) | "max_msgs_per_subject \($new.max_msgs_per_subject)");

	# Has what the server has of an object messages that somebody may still want?
	def is_needed($object): if $object | is_stream then .state.messages > 0 else .num_pending + .num_ack_pending > 0 end;

	# Do two subjects, as lists of tokens, have messages in common?
	def overlap($one; $other):
		if $one == [] or $other == [] then $one == $other
		elif $one[0] == ">" or $other[0] == ">" then true
		elif $one[0] == $other[0] or $one[0] == "*" or $other[0] == "*" then overlap($one[1:]; $other[1:])
		else false end;

	($version | split(".") | map(tonumber)) as $version
	| [$jsz[0].account_details[]? | select(.name == $account) | .stream_detail[]?] as $streams
	| ([$streams[] | .name as $stream | { key: "stream/\(.name)", value: . }, (.consumer_detail[]? | { key: "consumer/\($stream)/\(.name)", value: . })]
		| from_entries) as $live
	| ($consents | lines_of) as $consented
	| def consents: . as $object | $purging or any($consented[]; . == $object);

	def compared: .key as $object | $live[$object] as $info
		| "desired \($object)", (.value | to_entries[] | "desired \($object) \(.key) \(.value | tojson)"),
		  (if $info == null then "found \($object) absent"
		   else "found \($object)", (.value | keys[] as $key | "found \($object) \($key) \($info.config | value_of($key) | tojson)") end);
	def is_as_declared($info): all(.value | to_entries[]; . as $wanted | ($info.config | value_of($wanted.key)) == $wanted.value);

	# The subjects that streams have, by their first token: a wildcard there is a neighbour of all.
	([$streams[] | .name as $stream | .config.subjects[]? | { $stream, tokens: split(".") }] | group_by(.tokens[0])
		| map({ key: .[0].tokens[0], value: . }) | from_entries) as $taken
	| def neighbours: if . == "*" or . == ">" then $taken[][] else ($taken[.], $taken["*"], $taken[">"]) | values[] end;

	# Other streams that have a subject of ours. Those that are going to be removed still count: they go last.
	def conflicts($name; $info): . as $subject | select(all($info.config.subjects[]?; . != $subject)) | split(".") as $tokens
		| [$tokens[0] | neighbours | select(.stream != $name and overlap($tokens; .tokens)) | .stream] | unique[]
		| "subject \($subject) belongs to stream \(.); release it there in one up, take it here in the next";

	# Each declared stream with why it must not be changed and what makes it as it is declared.
	($body | declared_objects | to_entries) as $declared
	| [$declared[] | select(.key | is_stream) | .key as $object | .value as $new | $live[$object] as $info | ($object | stream_of) as $name
		| [select($info) | fixed_of_stream($info.config; $new; $version)] as $fixed
		| [select($info and ($object | consents | not)) | losses($info; $new; $fixed)] as $losses
		| [
			(select($losses != []) | "\($object) holds \($info.state.messages) messages (\($info.state.bytes) bytes); \($losses | join(", ")) deletes messages. \($object | how_to_consent)"),
			($new.subjects[]? | conflicts($name; $info) | "\($object): \(.)")
		  ] as $refusals
		| ({ name: $name } + $new | tojson) as $config
		| . + {
			$refusals,
			requests: (
				if $refusals != [] or ($info != null and is_as_declared($info)) then []
				elif $info == null then ["created STREAM.CREATE.\($name) \($config)"]
				elif $fixed == [] then ["updated STREAM.UPDATE.\($name) \($config)"]
				else ["- STREAM.DELETE.\($name)", "made_anew STREAM.CREATE.\($name) \($config)"] end)
		}] as $declared_streams
	| ($declared_streams | map({ key, value: . }) | from_entries) as $stream
	| [$declared[] | select(.key | is_stream | not) | .key as $object | .value as $new | ($object | stream_of) as $of
		| any($stream["stream/\($of)"].requests[]?; contains(" STREAM.CREATE.")) as $made
		# A stream that is made now has no consumers.
		| (if $made then null else $live[$object] end) as $info
		| [select($info) | fixed_of_consumer($info.config; $new)] as $fixed
		| [select($fixed != [] and $info.delivered.consumer_seq > 0 and ($object | consents | not))
			| "\($object) has delivered \($info.delivered.consumer_seq) messages; \($fixed | join(", ")) cannot be changed in place and would forget which. \($object | how_to_consent)"
		  ] as $refusals
		| . + {
			$refusals,
			requests: (
				if $refusals != [] or ($info != null and is_as_declared($info)) or ($made or $live["stream/\($of)"] | not) then []
				else
					[(select($fixed != []) | "- CONSUMER.DELETE.\($object | api_subject)"),
						"applied CONSUMER.DURABLE.CREATE.\($object | api_subject) \({ stream_name: $of, config: ({ name: ($object | split("/")[2]), durable_name: ($object | split("/")[2]) } + $new) } | tojson)"]
				end)
		}] as $declared_consumers
	| ($declared_streams[], $declared_consumers[] | .key as $object | compared, "refusal \($object) \(.refusals[])", "request \($object) \(.requests[])"),

	  # In apply what is not declared any more is looked at when it is removed. Consumers go before their streams.
	  ($undeclared | lines_of | sort[] | . as $object | $live[$object] | values
		| if is_needed($object) and ($object | consents | not) then
			"kept \($object) \(if $object | is_stream then "with \(.state.messages) messages" else "because it has messages to deliver" end)",
			(select($verb != "apply") | "refusal \($object) \($object) is not declared any more and \(if $object | is_stream then "holds \(.state.messages) messages (\(.state.bytes) bytes)" else "has messages to deliver" end). \($object | how_to_consent)")
		  else "removal \($object) deleted \(if $object | is_stream then "STREAM" else "CONSUMER" end).DELETE.\($object | api_subject)" end)
'
