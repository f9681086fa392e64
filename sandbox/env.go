package sandbox

import (
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
)

// environment applies the changes to the caller's environment, as a launch does. What contains
// a NUL byte, which a launch refuses, is left out, as package os/exec does.
func environment(base []string, ops []EnvOp) []string {
	base = slices.DeleteFunc(slices.Clone(base), func(entry string) bool { return strings.Contains(entry, "\x00") })
	ops = slices.DeleteFunc(slices.Clone(ops), func(op EnvOp) bool { return strings.Contains(op.Name+op.Value, "\x00") })
	f, facts := flatten(&wanted{Spec: Spec{Env: ops, Command: CommandLine{Chdir: SetText("/")}}}, &facts{Env: base}, nil, nil)
	c := compile.Compiler{Spec: &f.spec, Items: f.items, Text: f.text, Facts: &facts}
	c.Buffers = buffers(0, len(base)+len(ops)+1, len(f.text)+len("PWD=/\x00"))
	n := c.Environment()
	out := make([]string, n)
	for i := range out {
		out[i] = string(flat.Text(c.Arena).At(flat.Word(c.Slots[i])))
	}
	return out
}

// lookup finds the first entry of a variable, or -1.
func lookup(env []string, name string) int {
	for i, entry := range env {
		if len(entry) > len(name) && entry[len(name)] == '=' && strings.HasPrefix(entry, name) {
			return i
		}
	}
	return -1
}

func get(env []string, name string) (string, bool) {
	if i := lookup(env, name); i >= 0 {
		return env[i][len(name)+1:], true
	}
	return "", false
}
