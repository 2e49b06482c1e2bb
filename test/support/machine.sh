#!/bin/sh
# A machine of a test: a real systemd with sshd in namespaces of its own, on an overlay over a tree that is never written. Needs root.
#
# machine.sh tree TREE [PACKAGE…] makes the tree (Debian with systemd, sshd and sudo, and more packages) from this machine's own mirror
# machine.sh boot TREE DIR         boots one with what it writes in DIR; runs until the machine is off
# machine.sh init TREE DIR         the same inside its namespaces
set -eu

PACKAGES=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,openssh-server,sudo,iproute2,curl,wget,unzip

fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

make_tree() {
	command -v debootstrap >/dev/null || fail "debootstrap is missing"
	mkdir -p "$(dirname "$1")"
	# Suites that run side by side want it at the same time.
	exec 9>"$(dirname "$1")/.lock"
	flock 9
	if [ -d "$1" ]; then return; fi
	rm -rf "$(dirname "$1")"/[!.]*
	tree=$1
	shift
	# shellcheck disable=SC2016 # apt's own placeholder
	# The first Debian mirror that apt uses here; bookworm where this machine is no Debian.
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep '/debian/*$' | head -n 1)
	include=$(printf '%s,' "$PACKAGES" "$@")
	debootstrap --variant=minbase --include="${include%,}" bookworm "$tree.new" ${mirror:+"$mirror"} >"$tree.log" 2>&1 || fail "debootstrap failed: $(tail -n 3 "$tree.log")"
	# Every machine makes host keys of its own.
	rm -rf "$tree.new"/etc/ssh/ssh_host_* "$tree.new"/var/cache/apt/archives/*.deb "$tree.new"/var/lib/apt/lists/*
	: >"$tree.new/etc/machine-id"
	mv "$tree.new" "$tree"
}

# A cgroup of its own in each hierarchy: the root that the machine's systemd sees.
join_cgroups() {
	for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*/; do
		[ -e "$hierarchy/cgroup.procs" ] || continue
		own=$hierarchy/messaging-test-$(basename "$1")
		mkdir -p "$own"
		# A cpuset takes no process before it has processors and memory.
		for file in cpuset.cpus cpuset.mems; do
			if [ -e "$own/$file" ] && [ ! -e "$own/cgroup.controllers" ]; then cat "$hierarchy/$file" >"$own/$file"; fi
		done
		echo $$ >"$own/cgroup.procs"
	done
}

mount_cgroups() {
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		mount -t cgroup2 cgroup2 sys/fs/cgroup
		return
	fi
	mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
	for hierarchy in /sys/fs/cgroup/*/; do
		name=$(basename "$hierarchy")
		mkdir "sys/fs/cgroup/$name"
		case $name in
		unified) mount -t cgroup2 cgroup2 "sys/fs/cgroup/$name" ;;
		systemd) mount -t cgroup -o none,name=systemd cgroup "sys/fs/cgroup/$name" ;;
		*) mount -t cgroup -o "$name" cgroup "sys/fs/cgroup/$name" ;;
		esac
	done
}

init() {
	mount --make-rprivate /
	mkdir -p "$2/upper" "$2/work" "$2/root"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
	cd "$2/root"
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount -t tmpfs -o mode=755 tmpfs run
	mount -t tmpfs -o mode=1777 tmpfs tmp
	mount -t tmpfs -o mode=755 tmpfs dev
	for device in null zero full random urandom tty; do
		: >"dev/$device"
		mount --bind "/dev/$device" "dev/$device"
	done
	mkdir -p dev/pts dev/shm old
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
	mount -t tmpfs -o mode=1777 tmpfs dev/shm
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	mount_cgroups
	ip link set lo up
	hostname "$(basename "$2")"
	pivot_root . old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c 'umount -l /old; exec /sbin/init' </dev/null >/dev/null 2>&1
}

case $1 in
tree)
	shift
	make_tree "$@"
	;;
boot)
	join_cgroups "$3"
	exec unshare --mount --pid --ipc --uts --net --cgroup --fork --kill-child sh "$0" init "$2" "$3"
	;;
init) init "$2" "$3" ;;
*) fail "usage: machine.sh tree TREE [PACKAGE…] | boot TREE DIR" ;;
esac
