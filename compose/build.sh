#!/bin/sh
# Builds executables for Linux from the sources that offline/ pins, each with the digest of config/versions.json, and installs the DuckDB CLI:
# build.sh PREFIX NAME=VERSION ... , gojq first. Of a server only the version is noted, for the tasks that speak to it.
set -eu

export GOENV=off GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 GOTOOLCHAIN=local
opt=$1/opt
shift

pin() {
	"$opt/gojq/current/gojq" -r --arg name "$name" --arg version "$version" --arg platform "linux-$(go env GOARCH)" ".artifacts[\$name] | $1" config/versions.json
}

# build PACKAGE LDFLAGS
# shellcheck disable=SC2016 # jq programs have $variables
build() {
	(cd "offline/$name/$version" && go build -trimpath -buildvcs=false -ldflags "$2" -o "$opt/$name/$version/$name" "$1")
	printf '%s  %s\n' "$(pin '.versions[$version][$platform].built')" "$opt/$name/$version/$name" | sha256sum -c -
}

for pair; do
	name=${pair%%=*} version=${pair#*=}
	mkdir -p "$opt/$name/$version"
	ln -s "$version" "$opt/$name/current"
	case $name in
	# What reads the pins of the others.
	gojq) build github.com/itchyny/gojq/cmd/gojq '-s -w' ;;
	duckdb)
		pip3 install --quiet --no-deps --require-hashes --target /tmp/python --requirement offline/requirements-tools.txt
		cp /tmp/python/bin/duckdb "$opt/duckdb/$version/"
		;;
	nats-server) ;;
	*) build "$(pin .package)" "$(pin .ldflags)" ;;
	esac
done
