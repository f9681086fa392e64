# shellcheck shell=sh
# With bubblewrap there, everything is as before in the end.
add ./gobwrap_*.deb ./gobwrap-as-bwrap_*.deb ./gobwrap-setuid_*.deb
is "$(as_bwrap)" bwrap --version
is yes as_user bwrap --mode setuid --ro-bind / / -- echo yes
remove gobwrap-as-bwrap
is "bubblewrap 0.8.0" bwrap --version
add ./gobwrap-as-bwrap_*.deb
is "$(as_bwrap)" bwrap --version
purge gobwrap gobwrap-as-bwrap gobwrap-setuid
is "bubblewrap 0.8.0" bwrap --version
is "" dpkg --verify bubblewrap
for file in bin/bwrap share/man/man1/bwrap.1.gz share/bash-completion/completions/bwrap share/zsh/vendor-completions/_bwrap; do
	cmp "/usr/$file" "/mnt/usr/$file"
	rm "/tmp/upper/usr/$file" # the same file, copied
done
rm -f /tmp/upper/usr/bin/bwrap.bubblewrap
nothing_left
