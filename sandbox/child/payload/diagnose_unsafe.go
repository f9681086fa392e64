package payload

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// This file finds out why a payload that is there cannot be executed. execve says ENOENT
// also where the interpreter of a script or the loader of an ELF program is missing, and
// EACCES for five reasons.

const (
	headSize   = 256 // bytes of a file that the kernel looks at (BINPRM_BUF_SIZE)
	maxHeaders = 64  // ELF program headers that are looked at
	maxScripts = 5   // interpreters of interpreters, as in the kernel
	stNoExec   = 8   // ST_NOEXEC, of statfs(2)
	ptInterp   = 3   // PT_INTERP, of elf(5)
)

// meansAbsent reports whether a finding goes with ENOENT. The others go with EACCES.
func meansAbsent(s plan.Sub) bool {
	return s == plan.SubScript || s == plan.SubLoader || s == plan.SubNoShell
}

// diagnose looks at the first file of those that exec tries that is there. It leaves in
// state.missing what is wrong with it, SubMain where nothing can be seen, and in examined.path
// the path of the file that is to blame: itself, its interpreter, or that one's.
func diagnose(p plan.View) {
	state.missing = plan.SubMain
	for i := uint32(0); i < p.Pathc; i++ {
		file := candidate(p, i)
		if raw.Strlen(file) >= uintptr(len(examined.path)) {
			continue
		}
		fd := raw.Openat(raw.AtCwd, file, unix.O_PATH, 0)
		if raw.Errno(fd) != 0 {
			continue
		}
		raw.Close(fd)
		raw.Put(unsafe.Pointer(&examined.path), file)
		for n := 0; n < maxScripts && examine(n == 0); n++ {
			continue
		}
		launch.Acting.Name(unsafe.Pointer(&examined.path))
		return
	}
}

// examine looks at the file that examined.path names. It returns true where another file has
// to be looked at, which examined.path then names.
func examine(command bool) bool {
	file := unsafe.Pointer(&examined.path)
	fd := raw.Openat(raw.AtCwd, file, unix.O_PATH, 0)
	if raw.Errno(fd) != 0 {
		return false
	}
	kind, e := raw.FileType(fd)
	var fs unix.Statfs_t
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&fs)), 0, 0, 0, 0))
	}
	raw.Close(fd)
	switch {
	case e != 0:
		return false
	case kind == unix.S_IFDIR:
		state.missing = plan.SubDirectory
		return false
	case kind != unix.S_IFREG:
		state.missing = plan.SubNoProgram
		return false
	case fs.Flags&stNoExec != 0:
		state.missing = plan.SubNoExec
		return false
	case raw.Errno(raw.Call(unix.SYS_FACCESSAT, raw.AtCwd, raw.Addr(file), 1, 0, 0, 0)) == unix.EACCES: // X_OK
		state.missing = plan.SubNotExecutable
		return false
	}
	// One that may be executed but not read says nothing more.
	fd = raw.Openat(raw.AtCwd, file, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if raw.Errno(fd) != 0 {
		return false
	}
	found := findInterpreter(fd, command)
	raw.Close(fd)
	if !found {
		return false
	}
	if !exists(file) {
		return false
	}
	state.missing = plan.SubMain
	return true
}

// findInterpreter puts into examined.path what the file fd wants to be run by, and into
// state.missing what is wrong if that is missing. It returns false where the file is run by
// itself, or is nothing that the kernel knows.
func findInterpreter(fd uintptr, command bool) bool {
	head := unsafe.Pointer(&examined.head)
	n := raw.Call(unix.SYS_PREAD64, fd, raw.Addr(head), headSize-1, 0, 0, 0)
	// Too short to be anything.
	if raw.Errno(n) != 0 || n < 2 {
		n = 0
	}
	*(*byte)(unsafe.Add(head, n)) = 0
	first := *(*uint32)(head)
	switch {
	case n >= 2 && first&0xffff == '#'|'!'<<8:
		state.missing = plan.SubScript
		return copyScriptInterpreter(unsafe.Add(head, 2))
	case n >= 64 && first == 0x7f|'E'<<8|'L'<<16|'F'<<24:
		state.missing = plan.SubLoader
		return copyLoader(fd, head)
	// Neither: execvp(3) hands such a file to the shell, the kernel itself such an interpreter to
	// nobody.
	case command && !exists(raw.Text("/bin/sh\x00")):
		state.missing = plan.SubNoShell
	}
	return false
}

// exists reports whether there is a file at a path, as the payload finds it.
func exists(path unsafe.Pointer) bool {
	return raw.Errno(raw.Call(unix.SYS_FACCESSAT, raw.AtCwd, raw.Addr(path), 0, 0, 0, 0)) == 0 // F_OK
}

// copyScriptInterpreter copies the interpreter that a "#!" line names.
func copyScriptInterpreter(p unsafe.Pointer) bool {
	// Blanks may stand in front of it; what follows a blank is its argument (execve(2)).
	for *(*byte)(p) == ' ' || *(*byte)(p) == '\t' {
		p = unsafe.Add(p, 1)
	}
	end := uintptr(0)
	for c := *(*byte)(p); c != 0 && c != ' ' && c != '\t' && c != '\n'; c = *(*byte)(unsafe.Add(p, end)) {
		end++
	}
	*(*byte)(unsafe.Add(p, end)) = 0
	raw.Put(unsafe.Pointer(&examined.path), p)
	return end > 0
}

// copyLoader copies the program interpreter that an ELF file of this machine's byte order asks
// for (PT_INTERP, elf(5)). head is its first 64 bytes.
func copyLoader(fd uintptr, head unsafe.Pointer) bool {
	// Offset, size and count of the program headers: e_phoff, e_phentsize, e_phnum.
	wide := *(*byte)(unsafe.Add(head, 4)) == 2 // ELFCLASS64
	at, size, count := uintptr(0), uintptr(0), uintptr(0)
	if wide {
		at = uintptr(*(*uint64)(unsafe.Add(head, 32)))
		size, count = uintptr(*(*uint16)(unsafe.Add(head, 54))), uintptr(*(*uint16)(unsafe.Add(head, 56)))
	} else {
		at = uintptr(*(*uint32)(unsafe.Add(head, 28)))
		size, count = uintptr(*(*uint16)(unsafe.Add(head, 42))), uintptr(*(*uint16)(unsafe.Add(head, 44)))
	}
	var first [64]byte
	header := unsafe.Pointer(&first)
	for i := uintptr(0); i < count && i < maxHeaders; i++ {
		got := raw.Call(unix.SYS_PREAD64, fd, raw.Addr(header), 56, at+i*size, 0, 0)
		if raw.Errno(got) != 0 || got < 32 {
			return false
		}
		if *(*uint32)(header) != ptInterp {
			continue
		}
		// p_offset and p_filesz.
		where, n := uintptr(0), uintptr(0)
		if wide {
			where, n = uintptr(*(*uint64)(unsafe.Add(header, 8))), uintptr(*(*uint64)(unsafe.Add(header, 32)))
		} else {
			where, n = uintptr(*(*uint32)(unsafe.Add(header, 4))), uintptr(*(*uint32)(unsafe.Add(header, 16)))
		}
		name := unsafe.Pointer(&examined.path)
		got = raw.Call(unix.SYS_PREAD64, fd, raw.Addr(name), min(n, headSize), where, 0, 0)
		if raw.Errno(got) != 0 {
			return false
		}
		*(*byte)(unsafe.Add(name, got)) = 0
		return got > 0
	}
	return false
}
