#!/bin/sh
# Makes a machine of this one's files, in a mount namespace of its own, and runs a
# scenario there: machine.sh PACKAGES FOREIGN SCENARIO. What is changed lies in a tmpfs
# that nobody else sees, and goes with the namespace.
set -eu

packages=$1
foreign=$2
scenario=$(realpath "$3")
here=$(dirname "$scenario")

mount --make-rprivate /
root=$(mktemp -d)
unset TMPDIR # hidden soon
mount -t tmpfs -o mode=0700 tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/new"
mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay "$root/new"
mount --rbind /dev "$root/new/dev"
mount -t proc proc "$root/new/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/new/tmp"
mkdir "$root/new/tmp/packages" "$root/new/tmp/scenarios" "$root/new/tmp/upper" "$root/new/tmp/foreign"
mount --bind "$packages" "$root/new/tmp/packages"
mount --bind "$foreign" "$root/new/tmp/foreign"
mount --bind "$here" "$root/new/tmp/scenarios"
mkdir "$root/new/tmp/source"
mount --bind "$here/../../.." "$root/new/tmp/source"
mount --bind "$root/upper" "$root/new/tmp/upper"
cd "$root/new"
pivot_root . mnt # the files below are in /mnt
cd /
rm -f /var/lib/man-db/auto-update # it takes seconds
HOME=/tmp/home # what programs leave there is not looked at, as all of /tmp
export HOME
unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
mkdir "$HOME"
# shellcheck disable=SC2016 # the inner shell expands it
exec setsid sh -eu -c '. /tmp/scenarios/checks.sh; . "$1"; echo "scenario done"' sh "/tmp/scenarios/$(basename "$scenario")" </dev/null
