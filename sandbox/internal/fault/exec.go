package fault

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// hintExec returns why a command that exists was not executed. The kernel has the same errno
// for a command that is missing and for one whose interpreter is.
func hintExec(m plan.Message) string {
	file := strconv.Quote(m.Text())
	switch m.Sub {
	case plan.SubScript:
		if name, ok := strings.CutSuffix(m.Text(), "\r"); ok {
			return "the script's lines end with CR LF, so it asks for the interpreter " + file + " and not " + strconv.Quote(name) +
				"; convert it with dos2unix"
		}
		return "the script is there, but its interpreter is not in the sandbox: " + file
	case plan.SubLoader:
		return "the program is there, but its ELF loader is not: add " + file + " and the libraries " +
			"(mounts.System has both)"
	case plan.SubNoShell:
		return file + " is neither a program for this machine nor a script with a #! line, and there is no /bin/sh in the sandbox to run it"
	case plan.SubDirectory:
		return file + " is a directory"
	case plan.SubNoExec:
		return file + " is on a mount with noexec, a flag that binds keep from the host"
	case plan.SubNotExecutable:
		return "there is no permission to execute " + file + ": set its x bit"
	case plan.SubNoProgram:
		return file + " is a device, a FIFO or a socket"
	}
	return ""
}
