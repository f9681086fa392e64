# shellcheck shell=sh
# The packages for pacman, in a root of their own: installed, upgraded, exchanged, removed.
root=/tmp/root
mkdir -p $root/var/lib/pacman /tmp/cache
printf '[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n' >/tmp/pacman.conf
p() {
	pacman --root $root --dbpath $root/var/lib/pacman --config /tmp/pacman.conf --cachedir /tmp/cache --logfile /tmp/log --hookdir /tmp/hooks --noconfirm \
		"$@"
}
add_arch() { quiet p -U --assume-installed glibc=2.40 --assume-installed libseccomp=2.5 "$@"; }
add_arch ./gobwrap-[0-9]*.pkg.tar.zst
is "755 root:root" mode $root/usr/bin/gobwrap
p -Qkk gobwrap >/tmp/said 2>&1 || fail "$(cat /tmp/said)"
is 12345 as_user $root/usr/bin/gobwrap --mode direct --unshare-user --ro-bind / / -- id -u
add_arch newer/gobwrap-[0-9]*.pkg.tar.zst
p -Q gobwrap | grep -q -- '-99$' || fail "not upgraded: $(p -Q)"

# A conflict, which pacman solves only when it is asked to.
if p -U --assume-installed glibc=2.40 --assume-installed libseccomp=2.5 ./gobwrap-setuid-*.pkg.tar.zst >/tmp/said 2>&1; then
	fail "gobwrap-setuid is installed beside gobwrap"
fi
grep -q conflict /tmp/said || fail "$(cat /tmp/said)"
add_arch --ask 4 ./gobwrap-setuid-*.pkg.tar.zst
is "gobwrap-setuid" p -Qq
is "4755 root:root" mode $root/usr/bin/gobwrap
p -Qkk gobwrap-setuid >/tmp/said 2>&1 || fail "$(cat /tmp/said)"
is yes as_user $root/usr/bin/gobwrap --mode setuid --ro-bind / / -- echo yes
add_arch newer/gobwrap-setuid-*.pkg.tar.zst
is "4755 root:root" mode $root/usr/bin/gobwrap

add_arch ./gobwrap-as-bwrap-*.pkg.tar.zst # which gobwrap-setuid satisfies
is "$(PATH=$root/usr/bin:$PATH as_bwrap)" $root/usr/bin/bwrap --version
is "" p -T "bubblewrap>=$(followed $root)"
quiet p -R gobwrap-as-bwrap gobwrap-setuid
empty $root ./var/lib/pacman
