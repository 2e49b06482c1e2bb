# shellcheck shell=sh disable=SC2086,SC2153,SC2154 # lists of paths; inputs come from task.sh
# Builds the image of a service from what is installed on this host, and nothing else.
#
# ENGINE      address of the Docker engine
# IMAGE       name and tag; the tag has the digest of all that goes in
# BASE        image that it is built on, by digest or id
# ARTEFACTS   paths below opt that go in
# The body is the Dockerfile.

docker_engine() {
	docker --host "$ENGINE" "$@"
}

desired() {
	say "image $IMAGE"
}

observe() {
	if docker_engine image inspect "$IMAGE" >/dev/null 2>&1; then say "image $IMAGE"; else say "image $IMAGE absent"; fi
}

apply() {
	base=localhost/messaging/base:$(digest_of "$WORK/body" | cut -c 1-12)
	docker_engine tag "$BASE" "$base" || fail "$BASE is not in the engine"
	cp "$WORK/body" "$WORK/Dockerfile"
	{ tar -cf - -C "$WORK" Dockerfile -C "$PREFIX/opt" $ARTEFACTS 2>"$WORK/tar" || :; } |
		docker_engine build --quiet --force-rm --network none --build-arg "BASE=$base" --tag "$IMAGE" - >"$WORK/build" 2>&1 ||
		fail "$IMAGE cannot be built: $(cat "$WORK/tar" "$WORK/build")"
	docker_engine image rm "$base" >/dev/null
	say "$IMAGE built"
}

# Its resource of the Docker provider removes it.
remove() {
	say "$IMAGE is not built any more"
}
