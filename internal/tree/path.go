package tree

import "strings"

// BoxPath returns the absolute form of a path in the sandbox, without empty and "."
// components. ".." stays: what it means depends on links.
func BoxPath(path string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			out.WriteByte('/')
			out.WriteString(part)
		}
	}
	if out.Len() == 0 {
		return "/"
	}
	return out.String()
}
