# shellcheck shell=sh
# What scenarios have in common.
cd /tmp/packages || exit 1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# fail ends a scenario.
fail() {
	echo "NOT AS IT SHOULD BE: $*" >&2
	exit 1
}

# is compares what a command says with what it should.
is() { # WANT COMMAND...
	want=$1
	shift
	have=$("$@" 2>&1) || true
	[ "$have" = "$want" ] || fail "$*: \"$have\", not \"$want\""
}

# quiet runs what has something to say only if it fails.
quiet() {
	"$@" >/tmp/said 2>&1 || { cat /tmp/said >&2; fail "$*"; }
}

add() { quiet dpkg --force-unsafe-io -i "$@"; }
remove() { quiet dpkg -r "$@"; }
purge() { quiet dpkg -P "$@"; }
mode() { stat -c '%a %U:%G' "$1"; }

# as_user runs a command as a user without rights.
as_user() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }

# as_bwrap is what gobwrap says of itself as bwrap.
as_bwrap() { gobwrap --version | sed 's/^gobwrap \(.*\) (bubblewrap \(.*\) compatible)$/bubblewrap \2 (gobwrap \1)/'; }

# newer makes the same packages with a higher version, in /tmp/newer.
newer() {
	mkdir -p /tmp/newer
	for deb in ./*.deb; do
		rm -rf /tmp/tree
		dpkg-deb -R "$deb" /tmp/tree
		sed -i 's/^Version: .*/Version: 99/' /tmp/tree/DEBIAN/control
		quiet dpkg-deb --root-owner-group -Znone -b /tmp/tree "/tmp/newer/${deb##*/}"
	done
}

# nothing_left looks at what was changed since the machine began: no file but dpkg's own
# records and what was written by others, no directory, nothing taken away.
nothing_left() {
	is "dpkg-query: no packages found matching gobwrap*" dpkg-query -W 'gobwrap*'
	is "" dpkg-divert --list '*bwrap*'
	is "" dpkg-statoverride --list '*bwrap*'
	left=$(cd /tmp/upper && find . ! -type d ! -path './var/lib/dpkg/*' ! -path './var/log/*' ! -path './var/cache/*' \
		! -path ./var/lib/man-db/auto-update)
	[ -z "$left" ] || fail "left or taken away:" "$left"
	(cd /tmp/upper && find . -type d ! -path './var/cache/*') | while read -r dir; do
		[ -d "/mnt/$dir" ] || fail "a directory is left: $dir"
	done
	left=$(ls /var/lib/dpkg/info/gobwrap* 2>/dev/null) || true
	[ -z "$left" ] || fail "left: $left"
	cmp /var/lib/dpkg/diversions /mnt/var/lib/dpkg/diversions
	cmp /var/lib/dpkg/statoverride /mnt/var/lib/dpkg/statoverride
}

# followed is the version of bubblewrap that the gobwrap in a root follows.
followed() { "$1/usr/bin/gobwrap" --version | sed 's/.*(bubblewrap \(.*\) compatible)$/\1/'; }

# needs_glibc prints the newest version of glibc's symbols that a program needs.
needs_glibc() { readelf -V "$1" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1; }

# empty looks for what is left in a root, except for the package manager's own records.
empty() { # ROOT PATH...
	left=$(cd "$1" && find . ! -type d)
	shift
	for own; do left=$(echo "$left" | grep -v "^$own") || true; done
	[ -z "$left" ] || fail "left: $left"
}
