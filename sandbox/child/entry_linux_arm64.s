#include "textflag.h"

// entry is the program's ELF entry point: see doc.go. Compiled Go finds its g in
// R28, which is given a zeroed dummy.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVD RSP, R19
	MOVD $·dummy(SB), g
	MOVD R19, ·entered+16(SB)
	SUB $32, RSP, R20
	MOVD R20, RSP
	MOVD R19, 8(RSP)
	CALL ·enterLauncher(SB) // returns in the front end only
	MOVD ·entered+16(SB), R19
	MOVD R19, RSP
	MOVD ZR, R0
	JMP _rt0_arm64_linux(SB)

// hostEntry is the ELF entry point of an embedding program that starts itself in plan mode: see
// planmode_unsafe.go. In any other start it leaves no trace but started.as.
TEXT ·hostEntry(SB),NOSPLIT|NOFRAME,$0
	MOVD RSP, R19
	MOVD $·dummy(SB), g
	MOVD R19, ·entered+16(SB)
	SUB $32, RSP, R20
	MOVD R20, RSP
	MOVD R19, 8(RSP)
	CALL ·enterEmbedding(SB)
	MOVD ·entered+16(SB), R19
	MOVD R19, RSP
	MOVD ZR, R0
	JMP _rt0_arm64_linux(SB)

// resume is for package self to jump to.
TEXT ·resume(SB),NOSPLIT,$0-0
	CALL ·resumed(SB)
	RET

// func leaveRuntime(top uintptr)
TEXT ·leaveRuntime(SB),NOSPLIT,$0-8
	MOVD top+0(FP), R19
	MOVD $·dummy(SB), g
	SUB $32, R19, R20
	MOVD R20, RSP
	CALL ·takenOver(SB)
	WORD $0xd4200000 // BRK #0

// endThread is a signal handler: it ends the thread that runs it, and no other.
TEXT ·endThread(SB),NOSPLIT|NOFRAME,$0
	MOVD $93, R8 // exit
	MOVD ZR, R0
	SVC
	WORD $0xd4200000 // BRK #0

// func threadEnd() uintptr
TEXT ·threadEnd(SB),NOSPLIT,$0-8
	MOVD $·endThread(SB), R0
	MOVD R0, ret+0(FP)
	RET
