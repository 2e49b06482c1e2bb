#!/bin/sh
# Starts Pulsar in its official image, its own standalone.conf overridden by ours: pulsar.sh CONFIG DATA ARGUMENT ..., where
# CONFIG is the directory of ours and DATA that of what it stores.
#
# PULSAR_PORT  of the binary protocol, in the container and on this machine: clients are told it, and the broker is one itself
set -eu

# shellcheck source=scripts/lib.sh
. /opt/messaging/lib.sh

config=$1 data=$2
shift 2
overridden /pulsar/conf/standalone.conf "$config/standalone.conf" |
	sed "s|external:pulsar://127.0.0.1:[0-9]*|external:pulsar://127.0.0.1:$PULSAR_PORT|; s|^brokerServicePort=.*|brokerServicePort=$PULSAR_PORT|" >/tmp/standalone.conf
exec sh /opt/messaging/start.sh /dev/null "$config/pulsar_env.sh" \
	sh /opt/messaging/pulsar-start.sh "$data/metadata" "$data/bookkeeper" /pulsar/bin/pulsar "$@"
