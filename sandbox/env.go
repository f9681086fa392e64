package sandbox

import "strings"

// environment applies the changes to the caller's environment. Order, duplicates and
// malformed entries pass through; a set variable keeps its place. PWD outlives a
// clearing, since it says where the command starts; it then comes last.
func environment(base []string, ops []EnvOp) []string {
	env := append(make([]string, 0, len(base)+len(ops)+1), base...)
	kept := ""
	for _, op := range ops {
		switch {
		case op.Name == "":
			if i := lookup(env, "PWD"); i >= 0 {
				kept = env[i]
			}
			env = env[:0]
		case op.Unset:
			env = unset(env, op.Name)
		default:
			env = set(env, op.Name, op.Value)
		}
	}
	if kept != "" && lookup(env, "PWD") < 0 {
		env = append(env, kept)
	}
	return env
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

func unset(env []string, name string) []string {
	out := env[:0:0]
	for _, entry := range env {
		if !strings.HasPrefix(entry, name+"=") {
			out = append(out, entry)
		}
	}
	return out
}

func set(env []string, name, value string) []string {
	if i := lookup(env, name); i >= 0 {
		env[i] = name + "=" + value
		return env
	}
	return append(env, name+"="+value)
}
