# shellcheck shell=sh disable=SC2016,SC2034 # jq programs with $variables, for the script that sources this
# The policies of a Pulsar namespace in jq: where its document has them, what differs from what is asked for, and the requests that make it so.

policies='
	# Where the document of a namespace has what is posted to a path below it; * is the cluster.
	def places: {
		"retention": ["retention_policies"],
		"backlogQuota?backlogQuotaType=destination_storage": ["backlog_quota_map", "destination_storage"],
		"backlogQuota?backlogQuotaType=message_age": ["backlog_quota_map", "message_age"],
		"messageTTL": ["message_ttl_in_seconds"],
		"offloadPolicies": ["offload_policies"],
		"deduplication": ["deduplicationEnabled"],
		"dispatchRate": ["topicDispatchRate", "*"],
		"subscriptionDispatchRate": ["subscriptionDispatchRate", "*"],
		"publishRate": ["publishMaxMessageRate", "*"],
		"subscribeRate": ["clusterSubscribeRate", "*"],
		"maxTopicsPerNamespace": ["max_topics_per_namespace"],
		"maxProducersPerTopic": ["max_producers_per_topic"],
		"maxConsumersPerTopic": ["max_consumers_per_topic"],
		"maxConsumersPerSubscription": ["max_consumers_per_subscription"],
		"maxSubscriptionsPerTopic": ["max_subscriptions_per_topic"],
		"maxUnackedMessagesPerConsumer": ["max_unacked_messages_per_consumer"],
		"maxUnackedMessagesPerSubscription": ["max_unacked_messages_per_subscription"],
		"schemaCompatibilityStrategy": ["schema_compatibility_strategy"],
		"schemaValidationEnforced": ["schema_validation_enforced"],
		"isAllowAutoUpdateSchema": ["is_allow_auto_update_schema"],
		"autoTopicCreation": ["autoTopicCreationOverride"],
		"autoSubscriptionCreation": ["autoSubscriptionCreationOverride"],
		"inactiveTopicPolicies": ["inactive_topic_policies"],
		"subscriptionExpirationTime": ["subscription_expiration_time_minutes"]
	};
	def place($key): if $key | startswith("permissions/") then ["auth_policies", "namespace_auth", $key[12:]] else places[$key] end;

	# What a policy is when nobody has set it. These three cannot be deleted, the others are absent.
	def unset($key): { "schemaCompatibilityStrategy": "UNDEFINED", "schemaValidationEnforced": false, "isAllowAutoUpdateSchema": true }[$key];

	def retention: "retention";
	def size_quota: "backlogQuota?backlogQuotaType=destination_storage";
	def age_quota: "backlogQuota?backlogQuotaType=message_age";

	# A policy in the document, restricted to the keys that are asked for: the server adds defaults and aliases of its own.
	def found($key; $asked): . as $document
		| getpath(place($key) | map(if . == "*" then $document.replication_clusters[0] // "" else . end))
		| if type == "array" then sort
		  elif type == "object" and ($asked | type) == "object" then with_entries(select(.key as $each | $asked | has($each)))
		  else . end;

	def lines: to_entries[] | "\(.key) \(.value | if . == null then "unset" else tojson end)";

	def is_on: . != null and (.retentionTimeInMinutes != 0 or .retentionSizeInMB != 0);

	def unlimited: { retentionTimeInMinutes: -1, retentionSizeInMB: -1 };
	def wider($a; $b): if $a < 0 or $b < 0 then -1 else [$a, $b] | max end;
	def widest($a; $b): $a | with_entries(.value = wider(.value; $b[.key]));

	def off: { retentionTimeInMinutes: 0, retentionSizeInMB: 0 };
	# The size or age at which a quota throws messages away; -1: never.
	def eviction($quota; $limit): if $quota.policy == "consumer_backlog_eviction" then $quota[$limit] else -1 end;
	def expiry: if . == null or . == 0 then -1 else . end;

	# What bounds delete of one topic (its stats and its ledgers), in words. Pulsar deletes acknowledged messages by closed ledger; one that is open is as old as the topic at most.
	def lost($bounds): . as { $topic, $stats, $ledgers }
		| ($stats.storageSize // 0) as $stored
		| ([$stored - ($stats.backlogSize // 0), 0] | max) as $acknowledged
		| ([$ledgers.ledgers[]? | select(.size) | .timestamp / 1000][0] // ($ledgers.creationDate // "" | sub("\\..*"; "Z") | fromdateiso8601? // now)) as $oldest
		| ($stats.earliestMsgPublishTimeInBacklogs // 0 | if . > 0 then now - . / 1000 else 0 end) as $waiting
		| ([$stats.subscriptions[]?.msgBacklog] | max // 0) as $messages
		| ([ ($bounds.keptBytes | values | [$acknowledged, $stored - .] | min), ($bounds.keptSeconds | values | select(now - $oldest >= .) | $acknowledged) ] | max // 0 | select(. > 0)
		    | "\(.) bytes of acknowledged messages in \($topic)"),
		  ([ ($bounds.deliveredSeconds, $bounds.backlogSeconds | values | select($waiting > .)), ($bounds.backlogBytes | values | select(($stats.backlogSize // 0) > .)) ] | select(length > 0)
		    | "messages that wait for delivery (\($messages)) in \($topic)");

	# Everything that follows from the document of a namespace (null: there is none). $wanted: what is asked for by path; $earlier: what was written earlier;
	# $properties: those of a new namespace.
	def policies($namespace; $wanted; $earlier; $properties):
		# What is asked for: the policies of the body, and those written earlier as if nobody had.
		def goal: ($earlier | with_entries(.value = unset(.key))) + $wanted;

		# What a policy will be.
		def becomes($key): . as $document | goal | if has($key) then .[$key] else $document | getpath(place($key)) end;

		def post($key; $value):
			"\(if $key == "schemaCompatibilityStrategy" then "PUT" else "POST" end) namespaces/\($namespace)/\($key) \($value | tojson)";

		# removeOffloadPolicies leaves three older fields behind, which a later offload policy would inherit; setting those back makes a policy again, so it comes last.
		def delete($key): "namespaces/\($namespace)/" as $path
			| if $key == "offloadPolicies"
			  then "PUT \($path)offloadThreshold -1", "PUT \($path)offloadThresholdInSeconds -1", "DELETE \($path)offloadDeletionLagMs", "DELETE \($path)removeOffloadPolicies"
			  else "DELETE \($path)\($key)" end;

		def write($key; $value): if $value == null then delete($key) else post($key; $value) end;

		# Retention and a size quota that Pulsar refuses together, where one of them is written by another hand.
		def contradictions:
			(becomes(retention) | select(is_on)) as $retention | (becomes(size_quota) | values) as $quota
			| if $retention.retentionSizeInMB > 0 and $quota.limitSize >= $retention.retentionSizeInMB * 1048576
			  then "retention of \($retention.retentionSizeInMB) MiB must be above the backlog quota of \($quota.limitSize) bytes"
			  elif $retention.retentionTimeInMinutes > 0 and $quota.limitTime >= $retention.retentionTimeInMinutes * 60
			  then "retention of \($retention.retentionTimeInMinutes) minutes must be above the backlog quota of \($quota.limitTime) seconds"
			  else empty end;

		# Pulsar compares retention with the size quota at every single request and refuses one that is not above it, whichever is set first. So, in between,
		# retention is the wider of old and new in each dimension: always legal, and nothing is deleted that the old or the new one keeps. A quota by age is
		# even compared alone, as if the size quota were the default of the broker: while one is set, retention has no limit.
		def retention_and_quotas($old; $new; $quotas; $sets_age):
			def set($from; $to): select($from != $to) | write(retention; $to);
			if $quotas == [] then set($old; $new)
			elif $new | is_on | not then set($old; $new), $quotas[]
			elif $old | is_on | not then $quotas[], set($old; $new)
			else (if $sets_age then unlimited else widest($old; $new) end) as $between | set($old; $between), $quotas[], set($between; $new) end;

		# The requests that bring a document to the goal.
		def requests: . as $document
			| [goal | to_entries[] | select(.value as $value | .key as $key | $document | found($key; $value) != $value)] as $changed
			# Where a quota by age stays, Pulsar looks for one by size beside it: that one is set before and goes after.
			| [(size_quota, age_quota) as $key | $changed[] | select(.key == $key and .value != null)] as $set
			| [(age_quota, size_quota) as $key | $changed[] | select(.key == $key and .value == null)] as $gone
			| [($set + $gone)[] | write(.key; .value)] as $quotas
			| retention_and_quotas($document.retention_policies; $document | becomes(retention); $quotas; any($set[]; .key == age_quota)),
			  ($changed[] | select(.key | IN(retention, size_quota, age_quota) | not) | write(.key; .value));

		# The document of a new namespace: with its policies from the first moment on, except those that belong to a cluster and those that have older fields.
		def created($properties): reduce ($wanted | to_entries[] | select(.key != "offloadPolicies" and (place(.key) | index("*") | not))) as $policy
			({ properties: $properties }; setpath(place($policy.key); $policy.value));

		# What the goal bounds more narrowly than the document does, by name.
		def bounds: . as $document | def after($key): $document | becomes($key);
			[ ["keptBytes", (($document.retention_policies // off).retentionSizeInMB, (after(retention) // off).retentionSizeInMB | if . > 0 then . * 1048576 else . end)],
			  ["keptSeconds", (($document.retention_policies // off).retentionTimeInMinutes, (after(retention) // off).retentionTimeInMinutes | if . > 0 then . * 60 else . end)],
			  ["deliveredSeconds", ($document.message_ttl_in_seconds, after("messageTTL") | expiry)],
			  ["backlogBytes", eviction($document.backlog_quota_map.destination_storage, after(size_quota); "limitSize")],
			  ["backlogSeconds", eviction($document.backlog_quota_map.message_age, after(age_quota); "limitTime")] ]
			| map(select(.[2] >= 0 and (.[1] < 0 or .[2] < .[1])) | { (.[0]): .[2] }) | add // {};

		. as $document
		| {
			desired: [goal | lines],
			found: [goal | with_entries(.value = (.key as $key | .value as $asked | $document | found($key; $asked))) | lines],
			requests: [if . == null then created($properties) | "PUT namespaces/\($namespace) \(tojson)", requests else requests end],
			contradictions: [contradictions],
			bounds: bounds
		};
'
