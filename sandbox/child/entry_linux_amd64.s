#include "textflag.h"

// entry is the program's ELF entry point: see doc.go. The kernel sets nothing up but SP, where argc is.
// Compiled Go finds its g through FS:-8 and in R14; both are given a zeroed dummy.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ SP, R12
	LEAQ ·entered+8(SB), SI
	MOVQ $0x1002, DI // ARCH_SET_FS
	MOVQ $158, AX    // arch_prctl
	SYSCALL
	LEAQ ·dummy(SB), R14
	MOVQ R14, ·entered(SB)
	XORPS X15, X15
	ANDQ $~15, SP
	SUBQ $32, SP
	MOVQ R12, ·entered+16(SB)
	MOVQ R12, 0(SP)
	CALL ·enterLauncher(SB) // returns in the front end only
	MOVQ ·entered+16(SB), SP
	XORL DX, DX
	JMP _rt0_amd64_linux(SB)

// hostEntry is the ELF entry point of an embedding program that starts itself in plan mode: see
// planmode_unsafe.go. In any other start it leaves no trace but started.as.
TEXT ·hostEntry(SB),NOSPLIT|NOFRAME,$0
	MOVQ SP, R12
	LEAQ ·entered+8(SB), SI
	MOVQ $0x1002, DI // ARCH_SET_FS
	MOVQ $158, AX    // arch_prctl
	SYSCALL
	LEAQ ·dummy(SB), R14
	MOVQ R14, ·entered(SB)
	XORPS X15, X15
	ANDQ $~15, SP
	SUBQ $32, SP
	MOVQ R12, ·entered+16(SB)
	MOVQ R12, 0(SP)
	CALL ·enterEmbedding(SB)
	MOVQ ·entered+16(SB), SP
	XORL DX, DX
	JMP _rt0_amd64_linux(SB)

// resume is for package self to jump to.
TEXT ·resume(SB),NOSPLIT,$0-0
	CALL ·resumed(SB)
	RET

// func leaveRuntime(top uintptr)
// The g goes where compiled code of this program looks for it, whatever way it was linked.
TEXT ·leaveRuntime(SB),NOSPLIT,$0-8
	MOVQ top+0(FP), BX
	LEAQ ·dummy(SB), R14
	MOVQ TLS, CX
	MOVQ R14, 0(CX)(TLS*1)
	XORPS X15, X15
	MOVQ BX, SP
	SUBQ $32, SP
	CALL ·takenOver(SB)
	UD2

// endThread is a signal handler: it ends the thread that runs it, and no other.
TEXT ·endThread(SB),NOSPLIT|NOFRAME,$0
	MOVQ $60, AX // exit
	XORL DI, DI
	SYSCALL
	UD2

// func threadEnd() uintptr
TEXT ·threadEnd(SB),NOSPLIT,$0-8
	LEAQ ·endThread(SB), AX
	MOVQ AX, ret+0(FP)
	RET
