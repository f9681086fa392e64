// Package completion presses Tab: the completions that are installed, in the shells that
// load them.
package completion

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A question is a line with the cursor at its end. TREE in it, and in an answer, is a
// directory with the files "file:x" and "two words", and the directory "sub".
type question struct {
	line string
	has  []string // these are offered; nil: nothing is
	not  []string // and none of these
	only bool     // nothing else is
}

// questions are asked of each shell.
var questions = []question{
	{line: "gobwrap --ro-b", has: []string{"--ro-bind", "--ro-bind-try", "--ro-bind-fd", "--ro-bind-data"}, only: true},
	{line: "gobwrap --unshare-u", has: []string{"--unshare-user", "--unshare-user-try", "--unshare-uts"}, only: true},
	{line: "gobwrap --cap-add CAP_SYS_P", has: []string{"CAP_SYS_PACCT", "CAP_SYS_PTRACE"}, only: true},
	{line: "gobwrap --mode ", has: []string{"auto", "direct", "setuid"}, only: true},
	{line: "gobwrap --seccomp-profile no", has: []string{"no-tty-injection", "no-unix-sockets", "no-userns"}, only: true},
	{line: "gobwrap --unshare-all --bind TREE/ TREE/", has: []string{"TREE/file:x", "TREE/sub/", "TREE/two words"}, only: true},
	{line: "gobwrap --chdir TREE/", has: []string{"TREE/sub/"}, only: true},
	{line: "gobwrap --overlay TREE TREE/", has: []string{"TREE/sub/"}, only: true},
	{line: "gobwrap --args "},
	{line: "gobwrap --ro-bind-fd "},
	{line: "gobwrap --setenv COMPLETION_T", has: []string{"COMPLETION_TEST"}, only: true},
	{line: "gobwrap --setenv COMPLETION_TEST "},
	{line: "gobwrap --setenv A b=c:d --ro-overl", has: []string{"--ro-overlay"}, only: true},
	{line: "gobwrap --dir --unshare-all --ro-overl", has: []string{"--ro-overlay"}, only: true},
	{line: "gobwrap --ro-bind / / completion-pro", has: []string{"completion-program"}, only: true},
	{line: "gobwrap --ro-bind / / -- completion-pro", has: []string{"completion-program"}, only: true},
	{line: "gobwrap --ro-bind / / -- completion-program TREE/", has: []string{"TREE/file:x", "TREE/sub/", "TREE/two words"}},
	{line: "gobwrap --ro-bind / / completion-program --ro-bin", not: []string{"--ro-bind"}},
}

// compilers are questions about the program that compiles filters.
var compilers = []question{
	{line: "gobwrap-seccomp co", has: []string{"compile"}, only: true},
	{line: "gobwrap-seccomp --", has: []string{"--help", "--version"}, only: true},
	{line: "gobwrap-seccomp compile --c", has: []string{"--cap"}, only: true},
	{line: "gobwrap-seccomp compile --cap CAP_SYS_P", has: []string{"CAP_SYS_PACCT", "CAP_SYS_PTRACE"}, only: true},
	{line: "gobwrap-seccomp check --kernel "},
	{line: "gobwrap-seccomp dump --arch x3", has: []string{"x32"}, only: true},
	{line: "gobwrap-seccomp test no-", has: []string{"no-userns", "no-tty-injection", "no-unix-sockets"}, only: true},
	{line: "gobwrap-seccomp compile -o TREE/", has: []string{"TREE/file:x", "TREE/sub/", "TREE/two words"}, only: true},
	{line: "gobwrap-seccomp compile --arch arm64 TREE/", has: []string{"TREE/file:x", "TREE/sub/", "TREE/two words"}, only: true},
}

// limiters are questions about the program that limits.
var limiters = []question{
	{line: "gobwrap-limit --", has: []string{"--memory", "--tasks", "--cpus", "--explain", "--help", "--version"}, only: true},
	{line: "gobwrap-limit --memory "},
	{line: "gobwrap-limit --memory 1G --cp", has: []string{"--cpus"}, only: true},
	{line: "gobwrap-limit --memory=1G --explain --ta", has: []string{"--tasks"}, only: true},
	{line: "gobwrap-limit --tasks 9 completion-pro", has: []string{"completion-program"}, only: true},
	{line: "gobwrap-limit --tasks 9 -- completion-pro", has: []string{"completion-program"}, only: true},
	{line: "gobwrap-limit --tasks 9 -- completion-program TREE/", has: []string{"TREE/file:x", "TREE/sub/", "TREE/two words"}},
	{line: "gobwrap-limit --tasks 9 completion-program --mem", not: []string{"--memory"}},
}

// inner is a question about one program behind the other.
var inner = question{line: "gobwrap-limit --tasks 9 --cpus 0.5 -- gobwrap --unshare-all --ro-overl", has: []string{"--ro-overlay"}, only: true}

// surroundings are the directory with files, and an environment in which the questions
// have one answer.
func surroundings(t *testing.T) (tree string, env []string) {
	t.Helper()
	dir := t.TempDir()
	tree, home := filepath.Join(dir, "tree"), filepath.Join(dir, "home")
	for _, d := range []string{filepath.Join(tree, "sub"), home} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"tree/file:x": 0o644, "tree/two words": 0o644, "home/completion-program": 0o755} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	return tree, []string{"HOME=" + home, "PATH=" + home + ":/usr/bin:/bin", "TERM=dumb", "COMPLETION_TEST=1", "LC_ALL=C.UTF-8"}
}

// script is the completions of a shell.
func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../cmd/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// check compares what was offered with what should be.
func (q *question) check(t *testing.T, tree string, offered []string) {
	t.Helper()
	var want []string
	for _, w := range q.has {
		want = append(want, strings.ReplaceAll(w, "TREE", tree))
	}
	for _, w := range want {
		if !slices.Contains(offered, w) {
			t.Errorf("%s: %q is not offered, but %q", q.line, w, offered)
		}
	}
	for _, o := range offered {
		if (q.only || want == nil && q.not == nil) && !slices.Contains(want, o) || slices.Contains(q.not, o) {
			t.Errorf("%s: %q is offered", q.line, o)
		}
	}
}

// ask has a shell answer a line, one offer a line.
func ask(t *testing.T, env []string, shell ...string) []string {
	t.Helper()
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Env = env
	cmd.Dir = t.TempDir()
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", shell, err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// askFish has fish answer a line with the completions of programs. The descriptions are left out.
func askFish(t *testing.T, env []string, line string, programs ...string) []string {
	t.Helper()
	words := []string{"fish", "-c", "for f in $argv[2..]; source $f; end; complete --do-complete=$argv[1]", line}
	for _, p := range programs {
		words = append(words, script(t, p+"/completions/"+p+".fish"))
	}
	offers := ask(t, env, words...)
	for i := range offers {
		offers[i], _, _ = strings.Cut(offers[i], "\t")
	}
	return offers
}

// TestFish: fish answers such questions itself.
func TestFish(t *testing.T) {
	tree, env := surroundings(t)
	more := []question{
		{line: "gobwrap --doctor", has: []string{"--doctor", "--doctor=json", "--doctor=apparmor"}, only: true},
		{line: "gobwrap --fallback-proc=n", has: []string{"--fallback-proc=none"}, only: true},
	}
	for _, q := range slices.Concat(more, questions, compilers, limiters) {
		program, _, _ := strings.Cut(q.line, " ")
		q.check(t, tree, askFish(t, env, strings.ReplaceAll(q.line, "TREE", tree), program))
	}
	inner.check(t, tree, askFish(t, env, inner.line, "gobwrap", "gobwrap-limit"))
}

// bashAsks calls the function as bash does, after splitting the line as bash does, and
// then what bash does with its answer: nothing means files, or directories, if the
// options say so.
const bashAsks = `
options=" $(complete -p "${2%% *}") "
compopt() {
	local sign=-
	for o; do case $o in -o | +o) sign=${o%o} ;; *) options=${options//" -o $o "/ }; [ "$sign" = + ] || options+=" -o $o " ;; esac; done
}
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS < <(sed 's/[=:]/ & /g' <<<"$2")
[[ $2 != *[\ =:] ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=${2%% *} && "_${function//-/_}"
if [ ${#COMPREPLY[@]} -gt 0 ]; then printf '%s\n' "${COMPREPLY[@]}"; exit; fi
case $options in
*" -o dirnames "*) compgen -S / -d -- "${COMP_WORDS[COMP_CWORD]}" ;;
*" -o default "*) compgen -f -- "${COMP_WORDS[COMP_CWORD]}" | while read -r f; do [ ! -d "$f" ] || f+=/; echo "$f"; done ;;
esac
exit 0`

// TestBash: the function that bash calls, without the package bash-completion and, for a
// command inside, with it.
func TestBash(t *testing.T) {
	tree, env := surroundings(t)
	file := script(t, "gobwrap/completions/gobwrap.bash")
	more := []question{
		{line: "gobwrap --doctor", has: []string{"--doctor", "--doctor=json", "--doctor=apparmor"}, only: true},
		{line: "gobwrap --doctor=", has: []string{"json", "apparmor"}, only: true},
		{line: "gobwrap --unshare-all --fallback-proc=n", has: []string{"none"}, only: true},
	}
	for _, q := range append(more, questions...) {
		q.check(t, tree, ask(t, env, "bash", "--norc", "-c", `. "$1"`+bashAsks, "bash", file, strings.ReplaceAll(q.line, "TREE", tree)))
	}
	for _, q := range slices.Concat(compilers, limiters) {
		program, _, _ := strings.Cut(q.line, " ")
		q.check(t, tree, ask(t, env, "bash", "--norc", "-c", `. "$1"`+bashAsks, "bash", script(t, program+"/completions/"+program+".bash"), strings.ReplaceAll(q.line, "TREE", tree)))
	}
	q := question{line: "gobwrap --setenv A b=c --ro-bind / / -- setpriv --no-n", has: []string{"--no-new-privs"}, only: true}
	q.check(t, tree, ask(t, env, "bash", "--norc", "-c", `. /usr/share/bash-completion/bash_completion; . "$1"`+bashAsks, "bash", file, q.line))
	inner.check(t, tree, ask(t, env, "bash", "--norc", "-c", `. /usr/share/bash-completion/bash_completion; . "$1"; . "$3"`+bashAsks,
		"bash", file, inner.line, script(t, "gobwrap-limit/completions/gobwrap-limit.bash")))
}
