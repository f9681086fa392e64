package child

// Hooks for the tests, which lie in another package.

// HookExitCode is exitCode.
func HookExitCode(status uint32) uint32 { return exitCode(status) }
