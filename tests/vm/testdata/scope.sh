# Runs a systemd, and gobwrap-limit in a cgroup of systemd's: the limits come by a scope.
#
# shellcheck shell=sh
set -eu

mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
mkdir /run/plain
install -m 0755 /run/vm/gobwrap-limit /run/plain/gobwrap-limit
cd /
export container=other
unshare --pid --fork --mount --mount-proc /lib/systemd/systemd --system --unit=sysinit.target >/tmp/log 2>&1 &
until [ -S /run/systemd/private ]; do
	sleep 0.2
done
pid=$(pgrep -o -x systemd)
mkdir /sys/fs/cgroup/other.slice
# shellcheck disable=SC2016 # for the shells inside
nsenter -t "$pid" -p -m sh -c '
	echo 0 >/sys/fs/cgroup/other.slice/cgroup.procs
	status=0
	/run/plain/gobwrap-limit --explain --memory 64M --tasks 60 --cpus 0.8 -- sh -c "
		d=\$(cut -d: -f3 /proc/self/cgroup)
		echo \${d%-limit*} \$(cd /sys/fs/cgroup\$d && cat memory.max memory.swap.max pids.max cpu.max)
		exit 7" 2>/tmp/said || status=$?
	echo "status $status, $(grep -c "^gobwrap-limit: scope gobwrap-limit-" /tmp/said)"'
