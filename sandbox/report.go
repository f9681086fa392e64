package sandbox

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/sandbox/child"
)

// tell writes the documents about a sandbox that has just been made: to InfoFD over
// several lines, to JSONStatusFD on one. A reader that went away changes nothing.
func (r *Report) tell(pid int, clone uint32) {
	pairs := []string{`"child-pid": ` + strconv.Itoa(pid)}
	for _, ns := range namespaceKeys {
		if clone&ns.flag == 0 {
			continue
		}
		var st syscall.Stat_t
		if syscall.Stat("/proc/"+strconv.Itoa(pid)+"/ns/"+ns.file, &st) == nil {
			pairs = append(pairs, `"`+ns.key+`": `+strconv.FormatUint(st.Ino, 10))
		}
	}
	if r.InfoFD.Valid {
		send(child.Here(r.InfoFD.N), []byte("{\n    "+strings.Join(pairs, ",\n    ")+"\n}\n"))
		if r.InfoFD.N != 2 { // errors may still have to be said there
			_ = syscall.Close(r.InfoFD.N)
		}
	}
	if r.JSONStatusFD.Valid {
		send(child.Here(r.JSONStatusFD.N), []byte("{ "+strings.Join(pairs, ", ")+" }\n"))
		if r.JSONStatusFD.N != 2 { // errors may still have to be said there
			_ = syscall.Close(r.JSONStatusFD.N)
		}
	}
}
