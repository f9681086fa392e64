# Commands that run away, in cgroups, with and without a setuid mode. Says a line for each: what
# it was, its status, how it ended, and how many processes are left.
#
# shellcheck shell=sh
set -eu

mkdir /run/plain /run/setuid
install -m 0755 /run/vm/gobwrap /run/plain/gobwrap
install -m 4755 /run/vm/gobwrap /run/setuid/gobwrap
install -m 0755 /run/vm/gobwrap-limit /run/plain/gobwrap-limit
cg=/sys/fs/cgroup
mountpoint -q $cg || mount -t cgroup2 none $cg
echo "+memory +pids +cpu" >$cg/cgroup.subtree_control
cd /

# A directory that is delegated to the user, with a cgroup for the launcher.
mkdir $cg/given $cg/given/run
echo "+memory +pids +cpu" >$cg/given/cgroup.subtree_control
chown 12345 $cg/given $cg/given/cgroup.procs $cg/given/cgroup.subtree_control $cg/given/run $cg/given/run/cgroup.procs

as() { # COMMAND…: as the user, in the cgroup run
	(echo 0 >$cg/given/run/cgroup.procs && exec setpriv --reuid 12345 --regid 12345 --clear-groups -- "$@")
}

# shellcheck disable=SC2016 # for the shell inside
script() { # NAME
	case $1 in
	hog) echo 'exec tail /dev/zero' ;;
	bomb) echo 'trap "" TERM; f() { f & f; }; f & kill -STOP $$' ;;
	ignorer) echo 'trap "" TERM; while :; do sleep 1000; done' ;;
	daemon) echo '(setsid sleep 1000 >/dev/null 2>&1 &); exec sleep 1000' ;;
	stopped) echo 'kill -STOP $$' ;;
	failed) echo 'exit 3' ;;
	esac
}

say() { # NAME STATUS DIRECTORY
	left=$(wc -l 2>/dev/null <"$3/cgroup.procs")
	echo "$1 $2 $(sed -n 's/.*"ended-by": "\([a-z]*\)".*/\1/p' /tmp/status) $(sed -n 's/.*"oom-kills": \([0-9]*\).*/\1/p' /tmp/status) $left"
}

: >/tmp/status
chown 12345 /tmp/status
for scope in none pid; do
	options=""
	[ $scope = none ] || options="--unshare-pid --proc /proc"
	for what in hog bomb ignorer daemon stopped failed; do
		script=$(script $what)
		time=2:0.3
		[ $what != hog ] || time=60:1 # it ends by itself
		as mkdir $cg/given/box
		as sh -c "echo 32M >$cg/given/box/memory.max; echo 0 >$cg/given/box/memory.swap.max; echo 40 >$cg/given/box/pids.max" 2>/dev/null || :
		status=0
		# shellcheck disable=SC2086 # several words
		as /run/plain/gobwrap --bind / / --dev /dev $options --cgroup 3 --timeout $time --usage --json-status-fd 4 -- sh -c "$script" 3<$cg/given/box 4>/tmp/status 2>/dev/null || status=$?
		say "cgroup-$scope-$what" $status $cg/given/box
		[ $what != hog ] || [ "$(sed -n 's/.*"memory-peak": \([0-9]*\).*/\1/p' /tmp/status)" -le 33554432 ] || echo "memory-peak is too much"
		rmdir $cg/given/box
	done
done

# The separate program makes the cgroup, for both modes.
for mode in plain setuid; do
	options=""
	[ $mode = plain ] || options="--mode setuid"
	for what in hog bomb ignorer daemon stopped failed; do
		script=$(script $what)
		time=2:0.3
		[ $what != hog ] || time=60:1 # it ends by itself
		status=0
		# shellcheck disable=SC2086 # several words
		as /run/plain/gobwrap-limit --memory 64M --tasks 60 --cpus 0.8 -- /run/$mode/gobwrap $options --bind / / --dev /dev --unshare-pid --timeout $time --usage --json-status-fd 4 -- sh -c "$script" 4>/tmp/status 2>/dev/null || status=$?
		say "limit-$mode-$what" $status $cg/given
	done
	echo "limit-$mode directories $(find $cg/given -mindepth 1 -maxdepth 1 -type d | wc -l)"
done
# shellcheck disable=SC2016 # for the shell inside
echo "files $(as /run/plain/gobwrap-limit --memory 64M --tasks 60 --cpus 0.8 sh -c 'd=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); cat $d/memory.max $d/memory.swap.max $d/pids.max; cat $d/cpu.max' 2>&1 | tr '\n' ' ')"
(trap "" TERM; exec setsid sleep 1000) >/dev/null 2>&1 &
status=0
/run/plain/gobwrap-limit --tasks 9 -- sh -c 'sleep 1000 & exit 4' || status=$?
echo "root $status $(find $cg -maxdepth 1 -name 'gobwrap-limit*' | wc -l)"
status=0
setpriv --reuid 12345 --regid 12345 --clear-groups -- /run/plain/gobwrap-limit --memory 64M -- touch /tmp/ran 2>/tmp/said || status=$?
echo "refused $status $(test ! -e /tmp/ran && echo not-run) $(grep -c 'no cgroup with these limits' /tmp/said)"
status=0
as /run/setuid/gobwrap --mode setuid --bind / / --cgroup 3 -- touch /tmp/ran 3<$cg/given 2>/tmp/said || status=$?
echo "setuid $status $(test ! -e /tmp/ran && echo not-run) $(grep -c 'cgroup is not possible in setuid mode' /tmp/said)"
status=0
as /run/plain/gobwrap --bind / / --cgroup 3 -- touch /tmp/ran 3<$cg/given 2>/tmp/said || status=$?
echo "busy $status $(test ! -e /tmp/ran && echo not-run) $(grep -c 'has passed controllers on' /tmp/said)"
