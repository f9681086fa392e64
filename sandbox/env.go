package sandbox

import "strings"

// environment applies the changes to the caller's environment. Order, duplicates and
// malformed entries pass through; a set variable keeps its place. PWD outlives a
// clearing, since it says where the command starts; it then comes last.
func environment(base []string, ops []EnvOp) []string {
	e := env{list: append(make([]string, 0, len(base)+len(ops)+1), base...)}
	kept := ""
	for _, op := range ops {
		switch {
		case op.Clear:
			if i := e.find("PWD"); i >= 0 {
				kept = e.list[i]
			}
			e = env{list: e.list[:0]}
		case op.Unset:
			e = env{list: unset(e.list, op.Name)}
		default:
			e.set(op.Name, op.Value)
		}
	}
	if kept != "" && e.find("PWD") < 0 {
		return append(e.list, kept)
	}
	return e.list
}

// env is an environment under change, with the first place of each name once somebody
// has asked for one.
type env struct {
	list  []string
	first map[string]int
}

func (e *env) find(name string) int {
	if e.first == nil {
		e.first = make(map[string]int, len(e.list))
		for i, entry := range e.list {
			name, _, ok := strings.Cut(entry, "=")
			if _, known := e.first[name]; ok && !known {
				e.first[name] = i
			}
		}
	}
	if i, ok := e.first[name]; ok {
		return i
	}
	return -1
}

func (e *env) set(name, value string) {
	i := e.find(name)
	if i < 0 {
		e.first[name] = len(e.list)
		e.list = append(e.list, name+"="+value)
		return
	}
	e.list[i] = name + "=" + value
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
