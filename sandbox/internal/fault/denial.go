package fault

import (
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// explainDenial says what a mask, or the protection of a path, met. The option and its path come
// first.
func explainDenial(o plan.Origin, m plan.Message) string {
	what := "Can't carry out " + strings.Join(o.Words, " ")
	switch m.Sub {
	case plan.SubUnread:
		return what + ": the directory " + m.Text() + ", which may hold a match, cannot be read"
	case plan.SubHeld:
		return what + ": " + m.Text() + " on the way to it could not be made a mount point"
	case plan.SubPlaceholder:
		return what + ": an empty placeholder " + m.Text() + " could not be made"
	case plan.SubMark:
		return what + ": it is missing, and a placeholder " + m.Text() + " could not be marked (extended attribute user.gobwrap.placeholder)"
	case plan.SubFile:
		return what + ": " + m.Text()
	case plan.SubNoMatch:
		return what + ": nothing matches the pattern"
	case plan.SubTooMany:
		return what + ": more than 20000 files match the pattern"
	case plan.SubWhole:
		return what + ": it is the whole sandbox"
	case plan.SubShield:
		return what + ": no overlay could be mounted, without which the command's capabilities (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH) open what is masked"
	case plan.SubNoEnd:
		return what + ": it is missing, and to keep it so takes a PID namespace"
	case plan.SubHolders:
		return what + ": too many protected paths are missing (at most 128)"
	}
	return what
}
