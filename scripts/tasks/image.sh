# shellcheck shell=sh disable=SC2086,SC2153,SC2154 # lists of paths; inputs come from task.sh
# Builds the image of a service from what is installed on this host, and nothing else.
#
# ENGINE      address of the Docker engine
# IMAGE       name and tag; the tag has the digest of all that goes in
# BASE        image that it is built on, by digest or id
# ARTEFACTS   paths below opt that go in
# The body is the Dockerfile.

label=messaging.stack=$STACK

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
		docker_engine build --quiet --force-rm --network none --build-arg "BASE=$base" --label "$label" --tag "$IMAGE" - >"$WORK/build" 2>&1 ||
		fail "$IMAGE cannot be built: $(cat "$WORK/tar" "$WORK/build")"
	docker_engine image rm "$base" >/dev/null
	say "$IMAGE built"
	remove_images "$IMAGE"
}

remove() {
	remove_images ''
}

# Removes the images that this stack has built for the service, except the one named. The engine keeps those that containers have: one runs, another may be gone back to.
remove_images() {
	docker_engine image ls --filter "label=$label" --format '{{.Repository}}:{{.Tag}}' "${IMAGE%:*}" | while IFS= read -r image; do
		if [ "$image" != "$1" ] && docker_engine image rm "$image" >/dev/null 2>&1; then say "$image removed"; fi
	done
}
