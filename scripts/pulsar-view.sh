# shellcheck shell=sh disable=SC2016,SC2034 # jq programs with $variables, for the script that sources this
# What follows from the declared Pulsar objects and from what the server has answered so far, a line each under a heading:
#   weigh    OBJECT REQUEST   a question that must be answered before it is known what a change deletes
#   desired  LINE             of an object as it is declared        found    LINE   of the object as it is
#   request  OBJECT REQUEST   that makes it so
#   deleted  OBJECT           a half deleted namespace, which has to be deleted to the end before its requests
#   refusal  OBJECT TEXT      why the object must not be changed    failed   OBJECT TEXT   why it could not be read or changed
#   wrote    REQUEST          that was obeyed                       made     MARK          of an object that a request made
#   unready  REQUEST          that the server could not obey now, and may the next time
#
# It comes after the definitions of scripts/objects.sh. Variables: $body and $applied, lines of declared objects and of what was written earlier; $answers (scripts/pulsar-admin.sh); $consents and $marks, a
# line each; $stack; $verb.

view='
	# Requests with their answers. A server that is gone answers 0.
	def transcript: [$answers | split("\u001d")[] | split("\u001e") | select(length == 2)
		| { request: .[1][4:], status: (.[1][:3] | tonumber), text: .[0] }];

	def is_good: .status >= 200 and .status < 300;
	# Pulsar begins a stack trace with an empty line and a headline.
	def first_line: [split("\n")[] | select(test("^ *(--- .* ---)? *$") | not)][0] // "";
	def says: "Pulsar \(if .status == 0 then "does not answer" else "answers \(.status) to" end) \(.request): \((.text | fromjson? | objects | .reason) // .text | first_line | .[:300])";

	def namespace_of: "namespace/\(split("/")[1:3] | join("/"))";

	# The declared object that a request below /admin/v2 is about.
	def object_of: split(" ")[1] | split("?")[0] | split("/")
		| if .[0] == "tenants" then "tenant/\(.[1])" elif .[0] == "namespaces" then "namespace/\(.[1])/\(.[2])" else "topic/\(.[1])/\(.[2])/\(.[3])" end;

	# The name under which it is remembered that this stack made an object.
	def mark: split("/") | "\(.[0])-\(.[1:] | join("."))";

	transcript as $transcript
	| ($transcript | map({ (.request): . }) | add // {}) as $latest
	| ($body | declared_objects) as $wanted
	| ($applied | declared_objects) as $earlier
	| ($consents | lines_of) as $consented
	| ($marks | lines_of) as $marked
	| ($wanted | keys) as $declared
	# In apply what is not declared any more is looked at when it is removed.
	| (if $verb == "apply" then [] else ($earlier | keys) - $declared end) as $undeclared

	# The answer to a question, or nothing.
	| def answer($path): $latest["GET \($path)"] | values;
	def json_of($path): [answer($path) | select(is_good) | .text | fromjson?][0];
	def question($path): select($latest["GET \($path)"] == null) | "weigh \(.) GET \($path)";
	def consents: . as $object | any($consented[]; . == $object or . == ($object | namespace_of));

	# Every topic in a namespace with its stats and ledgers, null until all that is asked.
	def stats_path: "\(sub("://"; "/"))/stats?getPreciseBacklog=true&subscriptionBacklogSize=true&getEarliestTimeInBacklog=true";
	def ledgers_path: "\(sub("://"; "/"))/internal-info";
	def list_path: ltrimstr("namespace/") | "persistent/\(.)";
	def listed: json_of(list_path) // [];
	def weigh_topics: . as $object | question(list_path), (listed[] as $topic | $object | question($topic | stats_path, ledgers_path));
	def untold: [listed[] | answer(stats_path, ledgers_path) | select((is_good or .status == 404) | not)];
	def stored: [listed[] | select(json_of(stats_path) != null) | { topic: ., stats: json_of(stats_path), ledgers: json_of(ledgers_path) }];
	# What a change of a namespace deletes; what cannot be told might be at stake.
	def at_stake(losses; $change): . as $object
		| if untold != [] then "refusal \(.) \(.): \(untold[0] | says)"
		  else [stored[] | losses] | select(. != []) | "refusal \($object) \($object)\($change) \(join(", ")). \($object | how_to_consent)" end;

	def tenant: . as $object | (split("/")[1]) as $name
		| "desired \(.) exists",
		  (answer("tenants") | select(is_good | not) | "found \($object) cannot be read", "failed \($object) \($object): \(says)"),
		  (json_of("tenants") | select(.) | if index($name) then "found \($object) exists"
		    else "found \($object) absent", "request \($object) PUT tenants/\($name) \({ allowedClusters: json_of("clusters"), adminRoles: [] } | tojson)" end);

	def namespace: . as $object | ltrimstr("namespace/") as $name | "namespaces/\($name)" as $path
		| def policies_of: policies($name; $wanted[$object]; $earlier[$object] // {}; { "managed-by": $stack });
		json_of($path) as $document
		| ($document | policies_of) as $policies
		| "desired \($object) \($policies.desired[])",
		  (answer($path)
			| if (is_good or .status == 404) | not then "found \($object) cannot be read", "failed \($object) \($object): \(says)"
			  elif $document == null then "found \($object) absent", "request \($object) \($policies.requests[])"
			  elif $document.deleted then
				"found \($object) half deleted", "deleted \($object)", "request \($object) \(null | policies_of.requests[])",
				($object | select(consents | not)
					| question(list_path),
					  (listed | select(. != [])
						| "refusal \($object) \($object) is half deleted, and nothing but deleting it to the end makes it usable; it still has \(length) topics. \($object | how_to_consent)"))
			  else
				"found \($object) \($policies.found[])",
				"request \($object) \($policies.requests[])",
				($document.properties["managed-by"] // $stack | select(. != $stack) | "refusal \($object) \($object): it belongs to stack \(.), which has to give it up first"),
				"refusal \($object) \($object): \($policies.contradictions[])",
				($object | select($policies.bounds != {} and (consents | not))
					| weigh_topics, at_stake(lost($policies.bounds); ": the change deletes"))
			  end);

	# Stats of a topic, all partitions together; a topic has one of the two.
	def topic_paths: ltrimstr("topic/") | "persistent/\(.)/partitioned-stats?getPreciseBacklog=true", "persistent/\(.)/stats?getPreciseBacklog=true";
	def topic_stats: [json_of(topic_paths) | select(has("storageSize")?)][0];
	def how_to_consent_here: "To accept the loss, add \"\(.)\" to messaging:allowDataLoss, or for all topics of the namespace add \"\(namespace_of)\" to messaging:allowDataLoss.";
	# A refusal that needs the stats; what cannot be told might be at stake.
	def weigh_topic(refusal): . as $object
		| (topic_paths as $path | question($path)),
		  (select(all(topic_paths; $latest["GET \(.)"])) | topic_stats as $stats
			| if $stats == null then "refusal \($object) \($object): Pulsar does not tell what it stores" else $stats | refusal | "refusal \($object) \($object)\(.). \($object | how_to_consent_here)" end);

	def topic_of($object): ltrimstr("topic/") | "persistent/\(.)" as $path
		| if json_of("\($path)/partitions") == null then null
		  else { partitions: json_of("\($path)/partitions").partitions, subscriptions: json_of("\($path)/subscriptions") } end;

	def topic_lines: . as $object | "persistent/\(ltrimstr("topic/"))" as $path
		| ($object | topic_of($object)) as $live
		| ($live | topic($path; $wanted[$object]; $earlier[$object] // {})) as $topic
		| "desired \($object) \($topic.desired[])",
		  "refusal \($object) \($object) \($topic.impossible[])",
		  ([answer("\($path)/partitions", "\($path)/subscriptions")] | select(length == 2)
			| if any(.[]; (is_good or .status == 404) | not) then
				"found \($object) cannot be read", "failed \($object) \($object): \([.[] | select((is_good or .status == 404) | not)][0] | says)"
			  else
				(if $live == null then "found \($object) absent" else "found \($object) \($topic.found[])" end),
				"request \($object) \($topic.requests[])",
				($object | select($topic.unsubscribed != [] and (consents | not))
					| weigh_topic(.subscriptions as $subscriptions | $topic.unsubscribed[] | { name: ., messages: ($subscriptions[.].msgBacklog // 0) } | select(.messages > 0)
						| ": subscription \(.name) is not declared any more and has \(.messages) messages to deliver"))
			  end);

	# Why an object that is not declared any more must not be removed: what this stack made holds messages.
	def undeclared_lines: . as $object
		| if startswith("namespace/") then
			"namespaces/\(ltrimstr("namespace/"))" as $path
			| question($path),
			  (json_of($path) | values | select((.deleted | not) and .properties["managed-by"] == $stack) | $object | select(consents | not)
				| weigh_topics, at_stake("\(.topic) (\(.stats.storageSize // 0) bytes)"; " is not declared any more and holds"))
		  else
			"persistent/\(ltrimstr("topic/"))/partitions" as $path
			| question($path),
			  (select(any($marked[]; . == ($object | mark)) and (consents | not) and json_of($path) != null)
				| weigh_topic(select(.storageSize > 0) | " is not declared any more and holds \(.storageSize) bytes"))
		  end;

	def unready: $transcript[] | select(.status >= 500) | "unready \(.request)";

	# What became of the requests that write.
	def written: [$transcript[] | select(.request | startswith("GET ") | not) | .object = (.request | object_of)]
		| (map(select(is_good | not) | .object) | unique) as $failed
		| .[]
		| if is_good then
			"wrote \(.request)",
			(select(.request | test("^PUT (tenants/[^/ ]+|persistent/[^/]+/[^/]+/[^/ ]+(/partitions)?)( |$)")) | "made \(.object | mark)")
		  # Without its parent nothing can be made: that one is the failure to report.
		  else select(.object | [namespace_of, "tenant/\(split("/")[1])"] - [.] | all(.[] as $parent | $failed[] != $parent; .))
			| "failed \(.object) \(.object): \(says)" end;

	([$declared[] | select(startswith("namespace/")) | "tenant/\(split("/")[1])"] | unique) as $tenants
	| ($tenants[] | tenant),
	  ($declared[] | select(startswith("namespace/")) | namespace),
	  ($declared[] | select(startswith("topic/")) | topic_lines),
	  ($undeclared[] | undeclared_lines),
	  unready,
	  written
'
