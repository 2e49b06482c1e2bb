#!/bin/sh
# Installs what a few suites need from the system's packages: in CI as root only. Elsewhere those suites say what is missing.
set -eu

[ "${CI:-}" = true ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || exit 0

packages=
for wanted in busybox:busybox dash:dash ss:iproute2 systemd-analyze:systemd psql:postgresql gpg:gnupg debootstrap:debootstrap ssh:openssh-client sshd:openssh-server ip:iproute2 dockerd:docker.io docker:docker.io iptables:iptables make:make; do
	command -v "${wanted%%:*}" >/dev/null || packages="$packages ${wanted##*:}"
done
[ -n "$packages" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of package names
apt-get install -y -qq --no-install-recommends $packages
