#!/bin/sh
# Reports what may trouble the services of a stack soon, with PREFIX and STACK set and after ledger.sh.
#
# One fact a line, fields separated by tabs:
#   clock         seconds since 1970; whether the system says that its clock is synchronised: yes, no or unknown
#   memory        bytes of RAM, bytes available to programs (empty where the system does not tell)
#   files         service, open files, most that it may have open; where this user may know
#   certificate   path, the certificate without line breaks
#   space         directory, mount point, bytes of the file system, bytes available

synchronised() {
	case $(timedatectl show --property NTPSynchronized --value 2>/dev/null) in
	yes) printf 'yes\n' ;;
	no) printf 'no\n' ;;
	*) printf 'unknown\n' ;;
	esac
}
printf 'clock\t%s\t%s\n' "$(date +%s)" "$(synchronised)"

if [ -r /proc/meminfo ]; then
	awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { available = $2 } END { printf "memory\t%.0f\t%.0f\n", total * 1024, available * 1024 }' /proc/meminfo
else
	printf 'memory\t%s\t\n' "$(sysctl -n hw.memsize)"
fi

file_limit() {
	most=$(awk '/^Max open files/ { print $4 }' "/proc/$2/limits" 2>/dev/null)
	# shellcheck disable=SC2012 # only their number is read
	open=$(ls "/proc/$2/fd" 2>/dev/null | wc -l | tr -d ' ')
	if [ -n "$most" ] && [ "$open" -gt 0 ]; then printf 'files\t%s\t%s\t%s\n' "$1" "$open" "$most"; fi
}

space "$PREFIX"
service_entries | while IFS= read -r path; do
	(
		load_service "$path"
		pid=$(process_id)
		case $pid in '' | 0) ;; *) file_limit "$NAME" "$pid" ;; esac
		[ -z "$DATA" ] || space "$DATA"
	)
done

[ ! -d "$PREFIX/etc" ] || find "$PREFIX/etc" -type f \( -name '*.pem' -o -name '*.crt' \) 2>/dev/null | while IFS= read -r file; do
	# The first certificate of a file; never a key.
	certificate=$(sed -n '/^-----BEGIN CERTIFICATE-----$/,/^-----END CERTIFICATE-----$/{/^-----/!p;/^-----END/q;}' "$file" 2>/dev/null | tr -d '\n')
	[ -z "$certificate" ] || printf 'certificate\t%s\t%s\n' "$file" "$certificate"
done
