package front

import "strings"

// lookup finds the first entry of a variable, or -1.
func lookup(env []string, name string) int {
	for i, entry := range env {
		if len(entry) > len(name) && entry[len(name)] == '=' && strings.HasPrefix(entry, name) {
			return i
		}
	}
	return -1
}

// Getenv returns a variable of an environment, the first one if there are several.
func Getenv(env []string, name string) (string, bool) {
	if i := lookup(env, name); i >= 0 {
		return env[i][len(name)+1:], true
	}
	return "", false
}
