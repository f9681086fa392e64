package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// calls are system calls that nothing needs, for filters to be about.
var calls = map[string]uintptr{"getsid": unix.SYS_GETSID, "getpgid": unix.SYS_GETPGID, "sync": unix.SYS_SYNC}

// instruction is one of classic BPF, as the kernel reads them.
type instruction struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

var (
	loadNumber = instruction{Code: 0x20}
	allow      = instruction{Code: 0x06, K: 0x7fff0000}
)

// writeFilter prints a filter: allow; errno CALL NUMBER; kill CALL; unknown CALL, an answer
// that no kernel knows; empty; odd, with half
// an instruction; invalid, which jumps out of itself; long N, of so many instructions.
func writeFilter(args []string) error {
	var program []instruction
	tail := 0
	switch args[0] {
	case "allow":
		program = []instruction{allow}
	case "errno":
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		program = answer(args[1], 0x00050000|uint32(n))
	case "kill":
		program = answer(args[1], 0x80000000)
	case "unknown":
		program = answer(args[1], 0x12340000)
	case "empty":
	case "odd":
		program, tail = []instruction{allow}, 3
	case "invalid":
		program = []instruction{{Code: 0x05, K: 1000}, allow}
	case "long":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		for range n - 1 {
			program = append(program, loadNumber)
		}
		program = append(program, allow)
	default:
		return fmt.Errorf("filter %v", args)
	}
	if err := binary.Write(os.Stdout, binary.NativeEndian, program); err != nil {
		return err
	}
	_, err := os.Stdout.Write(make([]byte, tail))
	return err
}

// answer returns a filter that has one answer to a call and permits all others.
func answer(call string, action uint32) []instruction {
	return []instruction{
		loadNumber,
		{Code: 0x15, Jf: 1, K: uint32(calls[call])},
		{Code: 0x06, K: action},
		allow,
	}
}

func makeCalls(names []string) error {
	for _, name := range names {
		var err error
		if _, _, e := unix.Syscall(calls[name], 0, 0, 0); e != 0 {
			err = e
		}
		fmt.Printf("%s: %s\n", name, word(err))
	}
	return nil
}
