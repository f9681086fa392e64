package doctor_test

import "testing"

// grant grants ranges of ids to the user, in an /etc of the world's own.
const grant = `cp -a /etc "$dir/etc"; mount --bind "$dir/etc" /etc; echo 12345:1000000:65536 >/etc/subuid; echo 12345:1000000:65536 >/etc/subgid; `

// The programs that map ranges of ids are in a package that few have.
func TestNoNewuidmap(t *testing.T) {
	t.Parallel()
	// What is mounted there makes /usr/bin unfit for an overlay, which the doctor finds too.
	const absent = `for p in /usr/bin/newuidmap /usr/bin/newgidmap; do if [ -e $p ]; then mount --bind /dev/null $p; fi; done`
	world{
		name: "granted", setup: grant + absent, mode: "direct", causes: map[string]string{"id-ranges": "newuidmap-missing", "overlay": ""},
		says: "apt install uidmap", also: []string{"\n  --map-auto: "},
	}.run(t)
	world{
		name: "not granted", setup: absent, mode: "direct", causes: map[string]string{"overlay": ""},
		says: "  -       several ids: ", also: []string{"\n-: optional, and not set up here.\n"},
	}.run(t)
}
