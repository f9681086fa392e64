# Goes through the worlds: settings that distributions have, and models of kernels that
# Debian has not. In each the rows of rows.sh run.
#
# shellcheck shell=sh
set -eu

mkdir /run/plain /run/setuid
install -m 0755 /run/vm/gobwrap /run/plain/gobwrap
install -m 4755 /run/vm/gobwrap /run/setuid/gobwrap
install -m 0755 /run/vm/probe /tmp/probe # /run is hidden in some sandboxes
install -d -m 1777 /run/shared
cd /

with() { # SYSCTL COMMAND…: a sysctl is 0 meanwhile
	sysctl=/proc/sys/$1
	before=$(cat "$sysctl")
	echo 0 >"$sysctl"
	shift
	"$@"
	echo "$before" >"$sysctl"
}

world() { # NAME COMMAND…
	echo "world $1"
	shift
	"$@" sh /run/vm/rows.sh
}

world default
with kernel/unprivileged_userns_clone world unprivileged_userns_clone=0
with user/max_user_namespaces world max_user_namespaces=0
for model in ubuntu strict eperm eacces; do
	world "$model" /run/vm/lsm "$model"
done
