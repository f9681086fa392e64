# Runs the launcher with --doctor in worlds where something is in the way, types what it
# prints, and launches again. Lines of what it prints:
#
#	world NAME        a world begins
#	step STEP CAUSE   a step has failed
#	doctor N          the status of --doctor
#	typed COMMAND     what was typed
#	hint TEXT         a launch's hint before that
#	launch WHEN N     a launch's status: before, after, or booted: after what is printed for
#	                  reboots, and the sysctls being applied afresh
#
# shellcheck shell=sh disable=SC2086 # lists of words
set -eu

mkdir /run/plain /run/setuid
install -m 0755 /run/vm/gobwrap /run/plain/gobwrap
install -m 4755 /run/vm/gobwrap /run/setuid/gobwrap
mount -t tmpfs sysctl.d /etc/sysctl.d
cd /

user="setpriv --reuid 12345 --regid 12345 --clear-groups"
program=/run/plain/gobwrap
model=

launch() { # WHEN
	status=0
	$model $user "$program" --ro-bind / / -- true 2>/run/stderr || status=$?
	sed -n 's/^gobwrap: hint: /hint /p' /run/stderr
	echo "launch $1 $status"
}

# printed TITLE: the commands that stand below a line of the report.
printed() { sed -n "/^  $1/,/^  [^ ]*.*[^:]\$\\|^\$/ s/^    //p" /run/report; }

examine() { # NAME
	echo "world $1"
	status=0
	$model $user "$program" --doctor >/run/report || status=$?
	sed -n 's/^  FAILED .*\[\([a-z0-9-]*\)\]$/step \1/p' /run/report
	echo "doctor $status"
	launch before
}

knob() { # SYSCTL=VALUE
	before=$(sysctl -n "${1%=*}")
	sysctl -qw "$1"
	examine "$1"
	printed 'To fix it' >/run/commands
	sed 's/^/typed /' /run/commands
	sh -e /run/commands >/dev/null
	launch after
	sysctl -qw "$1"
	printed 'And across' >/run/commands
	sed 's/^/typed /' /run/commands
	sh -e /run/commands
	sysctl -q -p /etc/sysctl.d/90-gobwrap.conf
	launch booted
	sysctl -qw "$1"
	program=/run/setuid/gobwrap
	examine "$1 4755"
	program=/run/plain/gobwrap
	sysctl -qw "${1%=*}=$before"
	rm /etc/sysctl.d/*
}

# covered MODEL DIRECTORY FILE TEXT NAME: the model, and a file that says so.
covered() {
	mount -t tmpfs -o mode=755 covered "$2"
	mkdir -p "$(dirname "$2/$3")"
	echo "$4" >"$2/$3"
	model="/run/vm/lsm $1"
	examine "$5"
	model=
	umount "$2"
}

knob kernel.unprivileged_userns_clone=0
knob user.max_user_namespaces=0
covered ubuntu /proc/sys/kernel apparmor_restrict_unprivileged_userns 1 ubuntu
covered eacces /proc/sys/kernel apparmor_restrict_unprivileged_userns 1 'ubuntu without the stub'
covered eperm /proc/sys/kernel userns_restrict 1 alt
covered eacces /sys/fs selinux/enforce 1 secureblue
