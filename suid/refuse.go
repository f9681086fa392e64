package suid

import (
	"errors"

	"github.com/gobwrap/gobwrap/sandbox/child"
)

// ErrPrivileged is returned for a binary that is set-id or has file capabilities.
var ErrPrivileged = errors.New("this binary is set-user-id, set-group-id or has file capabilities, " +
	"which is not supported: install it with mode 0755 and without capabilities")

// Refuse fails closed on a binary with privileges of its own.
func Refuse() error {
	if child.Secure() {
		return ErrPrivileged
	}
	return nil
}
