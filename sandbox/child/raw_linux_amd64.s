#include "textflag.h"

// func raw(nr, a, b, c, d, e, f uintptr) uintptr
TEXT ·raw(SB),NOSPLIT,$0-64
	MOVQ nr+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	MOVQ d+32(FP), R10
	MOVQ e+40(FP), R8
	MOVQ f+48(FP), R9
	SYSCALL
	MOVQ AX, ret+56(FP)
	RET

// func trap()
TEXT ·trap(SB),NOSPLIT,$0-0
	UD2
	RET

// func mapped(addr uintptr) unsafe.Pointer
TEXT ·mapped(SB),NOSPLIT,$0-16
	MOVQ addr+0(FP), AX
	MOVQ AX, ret+8(FP)
	RET

// entry is the program's ELF entry point: see doc.go. The kernel enters it with
// argc at SP and nothing else set up. Compiled Go finds its g through FS:-8 and in
// R14; both are given a zeroed dummy.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ SP, R12
	LEAQ ·room+8(SB), SI
	MOVQ $0x1002, DI // ARCH_SET_FS
	MOVQ $158, AX    // arch_prctl
	SYSCALL
	LEAQ ·dummy(SB), R14
	MOVQ R14, ·room(SB)
	XORPS X15, X15
	ANDQ $~15, SP
	SUBQ $32, SP
	MOVQ R12, ·stack(SB)
	MOVQ R12, 0(SP)
	CALL ·enter(SB) // returns in the front end only
	MOVQ ·stack(SB), SP
	XORL DX, DX
	JMP _rt0_amd64_linux(SB)
