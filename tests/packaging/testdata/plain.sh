# shellcheck shell=sh disable=SC2016
# The package alone: installed, upgraded, removed, purged.
add ./gobwrap_*.deb
is "755 root:root" mode /usr/bin/gobwrap
is "755 root:root" mode /usr/bin/gobwrap-seccomp
is "" dpkg --verify gobwrap
is "gobwrap $(dpkg-query -W -f '${Version}' gobwrap | sed 's/-[^-]*$//')" sh -c 'gobwrap --version | cut -d " " -f 1,2'
is 12345 as_user gobwrap --mode direct --unshare-user --ro-bind / / -- id -u
is 0 gobwrap --ro-bind / / -- id -u
echo '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"]}' >/tmp/profile.json
is yes as_user gobwrap --ro-bind / / --seccomp-profile /tmp/profile.json -- echo yes
man gobwrap | grep -q 'gobwrap . run a .* in a sandbox' || fail "man gobwrap"
man gobwrap-seccomp | grep -q seccomp || fail "man gobwrap-seccomp"
man gobwrap-limit | grep -q cgroup || fail "man gobwrap-limit"
for program in gobwrap gobwrap-limit gobwrap-seccomp; do
	bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader "$0"; complete -p "$0"' "$program" | grep -q "_gobwrap.* $program$" ||
		fail "bash does not load the completions of $program"
	is "_$program" zsh -f -c 'autoload -U compinit; compinit -u -D; echo $_comps[$0]' "$program"
	fish -c "complete --do-complete='$program --h'" | grep -q -- --help || fail "fish does not load the completions of $program"
done
for file in copyright changelog.Debian.gz third-party-licences README.md; do
	[ -s "/usr/share/doc/gobwrap/$file" ] || fail "no $file"
done

# The profile is the one that the launcher prints for this path, except for the comments.
gobwrap --doctor=apparmor | grep -v '^#' >/tmp/printed
grep -v '^#' /usr/share/gobwrap/apparmor/gobwrap | cmp - /tmp/printed || fail "another profile than --doctor=apparmor prints"

newer
add /tmp/newer/gobwrap_*.deb
is 99 dpkg-query -W -f '${Version}' gobwrap
is "755 root:root" mode /usr/bin/gobwrap
remove gobwrap
[ ! -e /usr/bin/gobwrap ] || fail "the program is left"
purge gobwrap
nothing_left
