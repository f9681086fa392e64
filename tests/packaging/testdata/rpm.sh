# shellcheck shell=sh
# The rpm packages, in a root of their own: installed, upgraded, exchanged, removed. What
# rpm cannot see there, a C library, is left out of account (--nodeps); what they require is
# compared with the program.
root=/tmp/root
mkdir $root
r() { rpm --root $root --dbpath /var/lib/rpm "$@"; }
quiet r --initdb
quiet r -i --nodeps ./gobwrap-[0-9]*.rpm
is "755 root:root" mode $root/usr/bin/gobwrap
is "" r -V --nodeps gobwrap
is 12345 as_user $root/usr/bin/gobwrap --mode direct --unshare-user --ro-bind / / -- id -u
for need in $(r -q --requires gobwrap | sed -n 's/^libc.so.6(\(.*\))(64bit)$/\1/p'); do
	is "$need" needs_glibc $root/usr/bin/gobwrap-seccomp
done

quiet r -U --nodeps newer/gobwrap-[0-9]*.rpm
is "99" r -q --qf '%{RELEASE}' gobwrap
if r -i --nodeps ./gobwrap-setuid-*.rpm 2>/tmp/said; then fail "gobwrap-setuid is installed beside gobwrap"; fi
grep -q conflicts /tmp/said || fail "$(cat /tmp/said)"
quiet r -e gobwrap
quiet r -i --nodeps ./gobwrap-setuid-*.rpm
is "4755 root:root" mode $root/usr/bin/gobwrap
is "" r -V --nodeps gobwrap-setuid
is yes as_user $root/usr/bin/gobwrap --mode setuid --ro-bind / / -- echo yes
quiet r -U --nodeps newer/gobwrap-setuid-*.rpm
is "4755 root:root" mode $root/usr/bin/gobwrap

quiet r -i ./gobwrap-as-bwrap-*.rpm # which gobwrap-setuid satisfies
is "$(PATH=$root/usr/bin:$PATH as_bwrap)" $root/usr/bin/bwrap --version
r -q --provides --whatprovides bubblewrap | grep -qx "bubblewrap = $(followed $root)" || fail "gobwrap-as-bwrap does not provide bubblewrap"
if r -e gobwrap-setuid 2>/dev/null; then fail "gobwrap-setuid is removed from under gobwrap-as-bwrap"; fi
quiet r -e gobwrap-as-bwrap gobwrap-setuid
empty $root ./var/lib/rpm
