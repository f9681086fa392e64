package kernel

// Scopes are those of Landlock that the kernel has, as --scope names them.
func Scopes() []string {
	abi := Landlock.Probe().Version
	switch {
	case abi < ScopesABI:
		return nil
	case abi < SocketsABI:
		return []string{"signals", "abstract-sockets"}
	}
	return []string{"signals", "abstract-sockets", "sockets"}
}
