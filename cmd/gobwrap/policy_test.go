package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/policy"
)

// unnamed are the options that policy.conf cannot name: for each, the option that stands for it there, or why it
// needs none.
var unnamed = map[string]struct{ by, why string }{
	"--bind-try":         {by: "--bind"},
	"--dev-bind":         {by: "--bind"},
	"--dev-bind-try":     {by: "--bind"},
	"--bind-fd":          {by: "--bind"},
	"--ro-bind-data":     {by: "--bind-data"},
	"--unshare-all":      {by: "--unshare-net"},
	"--uid-map":          {by: "--map-auto"},
	"--gid-map":          {by: "--map-auto"},
	"--userns2":          {by: "--userns"},
	"--add-seccomp-fd":   {by: "--seccomp"},
	"--seccomp-profile":  {by: "--seccomp"},
	"--userns-block-fd":  {by: "--block-fd"},
	"--overlay-src":      {by: "--tmp-overlay"},
	"--scope-try":        {by: "--scope"},
	"--mask-try":         {by: "--mask"},
	"--mask-glob":        {by: "--mask"},
	"--mask-glob-try":    {by: "--mask"},
	"--protect-try":      {by: "--protect"},
	"--protect-glob":     {by: "--protect"},
	"--protect-glob-try": {by: "--protect"},
	"--keep-fd":          {by: "--close-fds"},
	"--perms":            {by: "--dir"},
	"--size":             {by: "--tmpfs"},

	"--unshare-user":           {why: "direct mode needs it"},
	"--unshare-user-try":       {why: "the same"},
	"--unshare-cgroup-try":     {by: "--unshare-cgroup"},
	"--share-net":              {why: "it is what there is without --unshare-net, which can be required"},
	"--assert-userns-disabled": {why: "it is a check, which changes nothing; --disable-userns can be required"},
	"--uid":                    {why: "an id inside gives no permission on the host"},
	"--gid":                    {why: "the same"},
	"--map-root-user":          {why: "the same; --cap-add can be refused"},
	"--keep-groups":            {why: "what it keeps, every sandbox with one gid keeps"},
	"--cap-drop":               {why: "what is dropped does not show; --cap-add can be refused"},
	"--ro-bind":                {why: "without it there is hardly a program to run"},
	"--ro-bind-try":            {why: "the same"},
	"--ro-bind-fd":             {why: "the same"},
	"--argv0":                  {why: "the command could do it itself"},
	"--chdir":                  {why: "the same"},
	"--clearenv":               {why: "the same"},
	"--setenv":                 {why: "the same"},
	"--unsetenv":               {why: "the same"},
	"--as-pid-1":               {why: "it leaves an init away, and adds nothing"},
	"--sync-fd":                {why: "the caller could keep the descriptor open"},
	"--info-fd":                {why: "it tells the caller what the caller can see"},
	"--json-status-fd":         {why: "the same"},
	"--setup-exit-status":      {why: "it is about the launcher"},
	"--mode":                   {why: "the same; setuid.conf restricts setuid mode"},
	"--args":                   {why: "what it reads counts"},
	"--help":                   {why: "it starts nothing"},
	"--version":                {why: "the same"},
	"--features":               {why: "the same"},
	"--dry-run":                {why: "the same"},
	"--doctor":                 {why: "the policy is asked about what it starts"},
	"--explain":                {why: "it prints a text"},
	"--level-prefix":           {why: "it is about such texts"},
}

// needs is what some options need beside what stands in front of them.
var needs = map[string]string{
	"--hostname": "--unshare-uts", "--disable-userns": "--unshare-user", "--allow-socket": "--scope sockets",
	"--fallback-proc": "--unshare-pid --proc /proc", "--cap-add": "--unshare-user", "--userns-block-fd": "--unshare-user --info-fd @",
}

// TestPolicyNamesOptions: policy.conf can name every option, or there is a reason why not. What names an option refuses
// the plan that it makes, and requires it.
func TestPolicyNamesOptions(t *testing.T) {
	named := policy.Options()
	for i := range cmdline.Options {
		name := cmdline.Options[i].Name
		u, isUnnamed := unnamed[name]
		if slices.Contains(named, name) == isUnnamed || isUnnamed && (u.by == "") == (u.why == "") || u.by != "" && !slices.Contains(named, u.by) {
			t.Errorf("%s: policy.conf can name it: %v; the reasons why not: %+v", name, slices.Contains(named, name), u)
		}
		by := name
		if isUnnamed {
			by = u.by
		}
		if by == "" {
			continue
		}
		without := judged(t, "refuse "+by, "--ro-bind / /")
		if without != policy.Permitted || judged(t, "require "+by, "--ro-bind / /") != policy.Required {
			t.Errorf("%s, without it: %d", by, without)
		}
		line := needs[name] + " " + before[name] + " " + typed(name, meanings[name].line)
		if v := judged(t, "refuse "+by, line); v != policy.Refused {
			t.Errorf("refuse %s, and %s: %d", by, line, v)
		}
		// What is tried only is not surely there.
		want := policy.Permitted
		if strings.HasSuffix(name, "-try") && (by == "--mask" || by == "--protect" || by == "--scope") {
			want = policy.Required
		}
		if v := judged(t, "require "+by, line); v != want {
			t.Errorf("require %s, and %s: %d, want %d", by, line, v, want)
		}
	}
	for name := range unnamed {
		if cmdline.Lookup([]byte(name)) < 0 {
			t.Errorf("%s is not an option", name)
		}
	}
}

// judged is what a policy says of a command line.
func judged(t *testing.T, text, line string) policy.Verdict {
	t.Helper()
	p, err := compiled(mustParse(t, line+" -- x"), front.Facts{
		UID: 1000, GID: 1000, Cwd: "/", Env: []string{"PATH=/bin"}, UserNamespaces: true, CgroupNamespaces: true, SELinux: true,
		UserName: "u", SubUID: "u:100000:65536", SubGID: "u:100000:65536",
	})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var rules policy.Policy
	if n := rules.Read([]byte(text), nil); n != 0 {
		t.Fatalf("%s is not understood", text)
	}
	verdict, _, _ := rules.Judge(plan.ViewAt(unsafe.Pointer(unsafe.SliceData(p.Bytes))), false)
	return verdict
}

// TestManualNamesPolicy: the manual lists the options that policy.conf can name.
func TestManualNamesPolicy(t *testing.T) {
	page, err := os.ReadFile("gobwrap.1.in")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), ".It Pa /etc/gobwrap/policy.conf\n")
	_, text, _ = strings.Cut(text, "accept these options:\n")
	text, _, _ = strings.Cut(text, ".El\n")
	var listed []string
	for _, name := range regexp.MustCompile(`(?m)^\.Fl .*$`).FindAllString(text, -1) {
		for _, word := range strings.FieldsFunc(name[4:], func(r rune) bool { return strings.ContainsRune(" ,;.", r) }) {
			listed = append(listed, "-"+word)
		}
	}
	want := policy.Options()
	slices.Sort(want)
	slices.Sort(listed)
	if !slices.Equal(listed, want) {
		t.Errorf("the manual lists\n%q, want\n%q", listed, want)
	}
}
