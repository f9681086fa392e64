# Runs each binary with each command line, and prints what came of it in lines whose
# first word says what they are:
#
#	host LINK          the user namespace outside
#	row BINARY LINE    a row begins
#	ns LINK, made UID:GID, Uid: …    said by the command inside
#	outside UID:GID    who owns, seen from outside, the file that the command made
#	stderr TEXT        a line of the launcher's
#	status N           the row's end
#
# shellcheck shell=sh

row() { # LINE FILE-TO-MAKE OPTIONS…
	line=$1 file=$2
	shift 2
	echo "row $binary $line"
	status=0
	# shellcheck disable=SC2086 # lists of words
	$as "$program" "$@" /tmp/probe inside $file 2>/run/stderr || status=$?
	[ ! -e /run/shared/made ] || /tmp/probe owner /run/shared/made
	while IFS= read -r text; do
		echo "stderr $text"
	done </run/stderr
	echo "status $status"
}

lines() { # BINARY PROGRAM PREFIX
	binary=$1 program=$2 as=$3
	row minimal '' --ro-bind / /
	row full /run/made --unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /run
	row bind /run/shared/made --ro-bind / / --bind /run/shared /run/shared
	row user '' --unshare-user --ro-bind / /
}

user="/tmp/probe as 12345 12345,20001,20002" # nobody in passwd

echo "host $(readlink /proc/self/ns/user)"
lines 0755 /run/plain/gobwrap "$user"
lines 4755 /run/setuid/gobwrap "$user"
lines root /run/plain/gobwrap ''
