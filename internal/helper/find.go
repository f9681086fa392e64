package helper

import (
	"strings"
	"syscall"
)

// Find looks for a program in the directories of path. It ignores relative directories, so
// that a program in the working directory cannot pose as newuidmap.
func Find(name, path string) string {
	for dir := range strings.SplitSeq(path, ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		file := strings.TrimSuffix(dir, "/") + "/" + name
		var st syscall.Stat_t
		if syscall.Stat(file, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG && syscall.Access(file, 1) == nil {
			return file
		}
	}
	return ""
}
