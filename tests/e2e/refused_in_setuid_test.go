package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
)

// What the keeper would have to do with root's rights is refused, in words, whether setuid
// mode was asked for or is the second way. Without it, the caller may have it.
func TestRefusedInSetuidMode(t *testing.T) {
	t.Parallel()
	w := user.scratch(t)
	user.shell(t, w, "mkdir src other upper wd")
	layers := []string{"--overlay-src", w + "/src"}
	seen := map[string]bool{}
	for _, c := range []struct {
		option  string
		options []string
		direct  bool // works in direct mode
		why     string
	}{
		{"--tmp-overlay", append(layers, "--tmp-overlay", "/o"), true, "its layers would be read and written with root's rights"},
		{"--overlay", append(layers, "--overlay", w+"/upper", w+"/wd", "/o"), true, "its layers would be"},
		{"--ro-overlay", append(layers, "--overlay-src", w+"/other", "--ro-overlay", "/o"), true, "its layers would be"},
		{"--disable-userns", []string{"--unshare-user", "--disable-userns"}, true, "it needs a second user namespace"},
		{"--cap-add", []string{"--cap-add", "CAP_SYS_ADMIN"}, true, "the capabilities would be the host's"},
		{"--cap-add", []string{"--unshare-user", "--cap-add", "ALL"}, true, "the capabilities would be"},
		{"--not-a-security-boundary", []string{"--not-a-security-boundary"}, true, "mounts whose flags cannot be restricted"},
		{"--userns", []string{"--userns", "3"}, false, "the keeper makes all namespaces"},
		{"--userns2", []string{"--unshare-user", "--userns2", "3"}, false, "the keeper makes all namespaces"},
		{"--pidns", []string{"--pidns", "4"}, false, "the keeper makes all namespaces"},
		{"--netns", []string{"--netns", "5"}, false, "the keeper makes all namespaces"},
		{"--userns-block-fd", []string{"--unshare-user", "--info-fd", "6", "--userns-block-fd", "7"}, false, "the keeper writes the maps, and "},
		{"--uid-map", []string{"--unshare-user", "--uid-map", "0:12345:1"}, false, "the keeper writes the maps, and maps only the caller"},
		{"--gid-map", []string{"--unshare-user", "--gid-map", "0:12345:1"}, false, "the keeper writes the maps, and maps only the caller"},
		{"--map-auto", []string{"--unshare-user", "--map-auto"}, false, "the keeper writes the maps, and maps only the caller"},
		{"--mqueue", []string{"--mqueue", "/m"}, false, "without --unshare-ipc it would show the host's queues"},
		{"--cgroup", []string{"--cgroup", "7"}, false, "the kernel would check whether the keeper may"},
	} {
		seen[c.option] = true
		args := append(box(c.options...), "/h/probe", "echo", "in")
		each(t, []identity{user, setuid, fallback}, func(t *testing.T, who identity) {
			var files []*os.File
			for _, kind := range []string{"user", "pid", "net"} {
				files = append(files, namespace(t, os.Getpid(), kind))
			}
			_, info := pipe(t)
			files = append(files, info, open(t, "/dev/null"))
			o := launch{who: who, args: args, files: files}.run(t)
			switch {
			case who == fallback && (c.option == "--userns" || c.option == "--pidns" || c.option == "--cgroup"):
				o.Refused(t, "") // a given namespace or cgroup that cannot be entered: there is no second way
			case who == fallback && strings.HasSuffix(c.option, "-map") || who.setuid && c.option == "--map-auto":
				o.Refused(t, "") // ranges have no second way either; and nothing is granted to this user
			case who.setuid:
				o.Refused(t, c.option+" is not possible in setuid mode: "+c.why)
			case c.direct:
				o.OK(t, "in\n")
			}
		})
	}
	seen["--file-label"] = true // takes SELinux
	// What the doctor and the documents list is what has been refused here.
	for _, refused := range suid.Refusals() {
		for option := range strings.SplitSeq(refused.Options, ", ") {
			name, _, _ := strings.Cut(option, " ")
			if !seen[name] {
				t.Errorf("%s has no case here", name)
			}
			delete(seen, name)
		}
	}
	for option := range seen {
		t.Errorf("%s is refused, but suid.Refusals does not name it", option)
	}
}
