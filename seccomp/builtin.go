package seccomp

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	_ "embed" // the filters below are made at build time
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// The filters of the built-in profiles, made of the JSON beside them (see
// builtin/README.md). A test makes them again and compares. Capabilities are podman's
// default_capabilities, for what they have to do with default.
//
//go:generate go run ../cmd/gobwrap-seccomp compile --arch amd64 --kernel 5.0 -o builtin/no-tty-injection-amd64.bpf builtin/no-tty-injection.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch arm64 --kernel 5.0 -o builtin/no-tty-injection-arm64.bpf builtin/no-tty-injection.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch amd64 --kernel 5.0 -o builtin/no-userns-amd64.bpf builtin/no-userns.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch arm64 --kernel 5.0 -o builtin/no-userns-arm64.bpf builtin/no-userns.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch amd64 --kernel 5.0 -o builtin/no-unix-sockets-amd64.bpf builtin/no-unix-sockets.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch arm64 --kernel 5.0 -o builtin/no-unix-sockets-arm64.bpf builtin/no-unix-sockets.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch amd64 --kernel 5.0 -o builtin/strict-amd64.bpf builtin/no-tty-injection.json builtin/strict.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch arm64 --kernel 5.0 -o builtin/strict-arm64.bpf builtin/no-tty-injection.json builtin/strict.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch amd64 --kernel 5.0 --cap CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_FSETID,CAP_KILL,CAP_NET_BIND_SERVICE,CAP_SETFCAP,CAP_SETGID,CAP_SETPCAP,CAP_SETUID,CAP_SYS_CHROOT -o builtin/default-amd64.bpf builtin/default.json
//go:generate go run ../cmd/gobwrap-seccomp compile --arch arm64 --kernel 5.0 --cap CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_FSETID,CAP_KILL,CAP_NET_BIND_SERVICE,CAP_SETFCAP,CAP_SETGID,CAP_SETPCAP,CAP_SETUID,CAP_SYS_CHROOT -o builtin/default-arm64.bpf builtin/default.json
var (
	//go:embed builtin/default-amd64.bpf
	defaultAMD64 string
	//go:embed builtin/default-arm64.bpf
	defaultARM64 string
	//go:embed builtin/no-tty-injection-amd64.bpf
	noTTYInjectionAMD64 string
	//go:embed builtin/no-tty-injection-arm64.bpf
	noTTYInjectionARM64 string
	//go:embed builtin/no-userns-amd64.bpf
	noUsernsAMD64 string
	//go:embed builtin/no-userns-arm64.bpf
	noUsernsARM64 string
	//go:embed builtin/no-unix-sockets-amd64.bpf
	noUnixSocketsAMD64 string
	//go:embed builtin/no-unix-sockets-arm64.bpf
	noUnixSocketsARM64 string
	//go:embed builtin/strict-amd64.bpf
	strictAMD64 string
	//go:embed builtin/strict-arm64.bpf
	strictARM64 string
)

// Builtins returns the names of the built-in profiles.
func Builtins() []string { return slices.Clone(builtins[:]) }

//nolint:gochecknoglobals // read-only table
var builtins = [...]string{"default", "no-tty-injection", "no-unix-sockets", "no-userns", "strict"}

// IsBuiltin reports whether there is a built-in profile of this name. It needs no Go
// runtime.
func IsBuiltin(name []byte) bool {
	for i := range builtins {
		if string(name) == builtins[i] {
			return true
		}
	}
	return false
}

// Named returns the filter of a built-in profile for this machine, as --seccomp-profile names
// it.
func Named(name string) ([]byte, error) {
	filter, ok := Builtin(name, runtime.GOARCH)
	if !ok {
		return nil, errors.New(strconv.Quote(name) + " is not one of the built-in profiles " + strings.Join(Builtins(), ", ") +
			"; the path of a file must contain a slash")
	}
	return filter, nil
}

// BuiltinText returns the filter of a built-in profile for this machine, empty for one that
// there is not. It needs no Go runtime.
func BuiltinText(name []byte) string {
	for i := range builtins {
		if string(name) == builtins[i] {
			return builtin(builtins[i], runtime.GOARCH)
		}
	}
	return ""
}

// Builtin returns the filter of a built-in profile for a machine of GOARCH's name.
//
//   - default permits what podman's default profile permits a container with podman's
//     default capabilities; what it does not list has the answer ENOSYS.
//   - no-tty-injection refuses ioctl with TIOCSTI and TIOCLINUX.
//   - no-unix-sockets refuses to make Unix sockets, and io_uring, which makes them too.
//   - no-userns refuses to make or enter user namespaces.
//   - strict permits what an ordinary program needs: see builtin/strict.json.
func Builtin(name, arch string) (filter []byte, ok bool) {
	text := builtin(name, arch)
	if text == "" {
		return nil, false
	}
	return []byte(text), true
}

func builtin(name, arch string) string {
	var amd64, arm64 string
	switch name {
	case "default":
		amd64, arm64 = defaultAMD64, defaultARM64
	case "no-tty-injection":
		amd64, arm64 = noTTYInjectionAMD64, noTTYInjectionARM64
	case "no-unix-sockets":
		amd64, arm64 = noUnixSocketsAMD64, noUnixSocketsARM64
	case "no-userns":
		amd64, arm64 = noUsernsAMD64, noUsernsARM64
	case "strict":
		amd64, arm64 = strictAMD64, strictARM64
	}
	switch arch {
	case "amd64":
		return amd64
	case "arm64":
		return arm64
	}
	return ""
}
