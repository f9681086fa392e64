package fault

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
)

// explainKeeper turns a fault of the keeper, or of the launcher while it waits for the keeper, into a message.
func explainKeeper(e *Text, p *plan.Program, m plan.Message) {
	option := ""
	if int64(m.Step) < int64(len(p.Origins)) && len(p.Origins[m.Step].Words) > 0 {
		option = p.Origins[m.Step].Words[0]
	}
	e.Field = option
	switch m.Sub {
	case plan.SubRefused:
		reason, refused := suid.FromExtra(m.Extra)
		named, why := reason.Text()
		if refused != "" {
			named = refused
		}
		if option == "" || strings.HasPrefix(option, "--") && refused != "" {
			option = named
		}
		e.Field = option
		e.Message = option + " is not possible in setuid mode: " + why
		if reason == suid.ReasonConfOff || reason == suid.ReasonConfGroup {
			e.Field, e.Message = "", "setuid mode is not possible here: "+why
		}
	case plan.SubConf:
		e.Message = "setuid mode refuses to run: " + suid.ConfPath + " can't be trusted"
		switch {
		case m.Extra != 0:
			e.Message = "setuid mode refuses to run: line " + strconv.Itoa(int(m.Extra)) + " of " + suid.ConfPath + " can't be understood"
			e.Hint = `it may hold lines "off", "groups NUMBER…", "refuse OPTION…" and comments`
		case m.Errno == 0:
			e.Hint = "it must be a regular file of at most 32 KiB that all users can read; it and its directory must belong to root, be writable by root only, and not be symbolic links"
		}
	case plan.SubInstall:
		e.Message = suid.InstallKind(m.Extra).Refusal()
		if e.Message == "" {
			e.NoSetuid = true
		}
	default:
		e.Message = "the setuid mode failed"
		e.Hint = "in a container without CAP_SYS_ADMIN, or in a user namespace, a setuid binary has not enough privilege"
	}
}
