# A mount that cannot be bound hides a file in a directory of the user's. Says who gets to
# see the file.
#
# shellcheck shell=sh
set -eu

mkdir /run/setuid
install -m 4755 /run/vm/gobwrap /run/setuid/gobwrap
install -d -o 12345 /tmp/home
mkdir /tmp/home/hid
echo under >/tmp/home/hid/file
mount -t tmpfs cover /tmp/home/hid
mount --make-unbindable /tmp/home/hid
cd /

# What the kernel does with a recursive bind.
mkdir /tmp/tree
mount --rbind /tmp/home /tmp/tree
echo "bind $(cat /tmp/tree/hid/file 2>&1)"
umount -R /tmp/tree

as() { setpriv --reuid 12345 --regid 12345 --clear-groups -- "$@"; }
look() { # NAME
	for mode in 0755 0; do # a directory that is closed at first hides nothing
		as chmod "$mode" /tmp/home
		# shellcheck disable=SC2016 # for the shell inside
		echo "$1-$mode $(as /run/setuid/gobwrap --mode setuid --bind / / sh -c 'chmod 755 /tmp/home; cat /tmp/home/hid/file' 2>&1)"
	done
	echo "$1-mounts $(as /run/setuid/gobwrap --mode setuid --ro-bind / / grep -c ' /tmp/home/hid ' /proc/self/mountinfo 2>&1)"
}
look locked
echo 0 >/proc/sys/user/max_user_namespaces # not for root either: mounts are not locked
look unlocked
