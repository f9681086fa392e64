package compat

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	filterAllow = 0x7fff0000
	filterErrno = 0x00050000
	filterKill  = 0x80000000
)

// filter makes a small compiled filter:
//
//	allow            everything is allowed
//	errno CALL NUM   one system call fails with an error number
//	kill CALL        one system call ends the process
//	unknown CALL     one system call gets an answer that no kernel knows
//	long COUNT       as allow, padded to so many instructions
//	wrap             65537 instructions, the first of which allows everything:
//	                 cut to sixteen bits, a filter of one
//	odd              a length that is not a multiple of an instruction's
//	empty            nothing at all
//	invalid          instructions the kernel refuses
func filter(text string) (string, error) {
	words := strings.Fields(text)
	numbers := make([]uint32, len(words))
	for i, word := range words[1:] {
		n, err := strconv.ParseUint(word, 10, 16)
		if err != nil {
			return "", err
		}
		numbers[i+1] = uint32(n)
	}
	switch words[0] {
	case "allow":
		return program(ret(filterAllow)), nil
	case "errno":
		return program(load, skipUnless(numbers[1]), ret(filterErrno|numbers[2]), ret(filterAllow)), nil
	case "kill":
		return program(load, skipUnless(numbers[1]), ret(filterKill), ret(filterAllow)), nil
	case "unknown":
		return program(load, skipUnless(numbers[1]), ret(0x12340000), ret(filterAllow)), nil
	case "long":
		list := make([]unix.SockFilter, numbers[1])
		for i := range list {
			list[i] = load
		}
		list[len(list)-1] = ret(filterAllow)
		return program(list...), nil
	case "wrap":
		return strings.Repeat(program(ret(filterAllow)), 1<<16+1), nil
	case "odd":
		return program(ret(filterAllow)) + "x", nil
	case "empty":
		return "", nil
	case "invalid":
		return program(unix.SockFilter{Code: 0xffff}), nil
	}
	return "", fmt.Errorf("filter %q", text)
}

// load puts the number of the system call into the accumulator.
var load = unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}

func ret(value uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
}

func skipUnless(call uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call}
}

func program(list ...unix.SockFilter) string {
	var buf bytes.Buffer
	_ = binary.Write(&buf, binary.NativeEndian, list) // a Buffer takes everything
	return buf.String()
}
