#!/bin/sh
# Makes the world of a client and runs a command in it as a user. Started by root in
# namespaces of its own; when this ends, all in it end.
#
#	world.sh DIR BWRAP MODULES USER FRONT... -- COMMAND...
#
# DIR has the home, passwd, group and hosts; BWRAP lies on /usr/bin/bwrap; MODULES are
# npm's; USER is a number; FRONT is what stands in front of the step down to the user.
set -eu
dir=$1 bwrap=$2 modules=$3 user=$4
shift 4

for file in passwd group hosts; do
	mount --bind "$dir/$file" "/etc/$file"
done
# Newer programs than the installed ones.
[ -z "${OVER_USR-}" ] || mount -t overlay -o "lowerdir=$OVER_USR:/usr" newer /usr
mount --bind "$bwrap" /usr/bin/bwrap
mount --bind "$modules" "$dir/node_modules"
# /tmp is private except for the directory that the tests are in, if that is there.
base=${dir%/*}
mkdir -p /run/user
mount -t tmpfs -o mode=0755 tmpfs /run/user
mkdir /run/user/base
mount --rbind "$base" /run/user/base
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p "$base"
mount --move /run/user/base "$base"
rmdir /run/user/base
mount -t tmpfs -o mode=0755 tmpfs /home
install -d -o "$user" -g "$user" /home/client
mount --bind "$dir/home" /home/client
install -d -o "$user" -g "$user" -m 0700 "/run/user/$user"
mkdir -m 1777 /tmp/.X11-unix
# A network of its own. If there is a directory www, another host serves it.
ip link set lo up
if [ -d "$dir/www" ]; then
	unshare --net -- sh "${0%/*}/server.sh" "$dir/www" >/dev/null 2>&1 &
	until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
	ip link add near type veth peer name far netns $!
	ip addr add 198.51.100.1/24 dev near
	ip link set near up
fi

front=
while [ "$1" != -- ]; do
	front="$front $1"
	shift
done
shift
cd /home/client
# Not exec: this shell is the init here, and reaps.
# shellcheck disable=SC2086 # a list of words
$front setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
