# What the inside reaches by signals and sockets, in each mode: lines "case MODE NAME", what was
# said, and "status N".
#
# shellcheck shell=sh
set -u

mkdir /run/plain /run/setuid
install -m 0755 /run/vm/gobwrap /run/plain/gobwrap
install -m 4755 /run/vm/gobwrap /run/setuid/gobwrap
install -m 0755 /run/vm/reach /tmp/reach
cd /

try() { # NAME COMMAND…
	echo "case $mode $1"
	shift
	$as env -i PATH=/usr/bin:/bin "$@" 2>&1 </dev/null
	echo "status $?"
}

inside() { # NAME OPTION… -- WORD…: words of reach's, behind sockets outside
	name=$1
	shift
	# shellcheck disable=SC2086 # words
	try "$name" /tmp/reach listen "$dir/run/bus" listen "$dir/other" receive "$dir/log" listen @x11 behind \
		exec "$program" $how --ro-bind / / --dev /dev --tmpfs /run --bind "$dir" "$dir" --unshare-pid "$@"
	rm -f "$dir/run/bus" "$dir/other" "$dir/log"
}

for mode in plain setuid root; do
	program=/run/plain/gobwrap how='' as='setpriv --reuid 12345 --regid 12345 --clear-groups'
	case $mode in
	setuid) program=/run/setuid/gobwrap how='--mode setuid' ;;
	root) as= ;;
	esac
	dir=/tmp/$mode
	mkdir -p "$dir/run" "$dir/a" "$dir/b"
	ln -s run/bus "$dir/link"
	: >"$dir/a/file"
	[ "$mode" = root ] || chown -R 12345:12345 "$dir"

	# shellcheck disable=SC2016 # for the inner shell
	for more in --unshare-pid --unshare-ipc '--scope signals'; do
		# shellcheck disable=SC2086 # words
		try "group $more" setsid -w sh -c '"$@" 2>&1; echo survived' sh "$program" $how --ro-bind / / $more sh -c 'kill -9 0'
	done
	words="connect $dir/run/bus connect $dir/link connect /proc/self/root$dir/run/bus connect $dir/other send $dir/log connect @x11"
	own="/tmp/reach listen $dir/own listen @own behind connect $dir/own connect @own rename $dir/a/file $dir/b/file rename $dir/b/file $dir/a/file exec /tmp/reach"
	for options in '' '--scope abstract-sockets' '--scope sockets' '--scope all' "--scope all --allow-socket $dir/run" '--scope-try all' '--seccomp-profile no-unix-sockets'; do
		program_inside=$own
		case $options in *no-unix-sockets) program_inside=/tmp/reach ;; esac
		# shellcheck disable=SC2086 # words
		inside "sockets $options" $options -- $program_inside $words
		rm -f "$dir/own"
	done
	# shellcheck disable=SC2086 # words
	inside 'no such socket' --scope-try all --allow-socket "$dir/none" -- /tmp/reach connect "$dir/run/bus"
	# shellcheck disable=SC2016,SC2086 # for the inner shell; words
	try 'job control' script -qec 'bash --norc -c "set -m; \"\$@\" sh -c \"kill -TSTP 0; exit 3\"; s=\$?; fg; echo \"=\$s \$?\"" bash '"$program $how --ro-bind / / --dev /dev --proc /proc --unshare-pid" /dev/null
done
echo end
