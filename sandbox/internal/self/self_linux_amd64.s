#include "textflag.h"

// func check()
// The kernel names a process after the file that it was started from: who starts itself
// is called exe, after /proc/self/exe. The rest is resume's to look at.
TEXT ·check(SB),NOSPLIT,$32-0
	MOVQ $157, AX // prctl
	MOVQ $16, DI  // PR_GET_NAME
	LEAQ name-16(SP), SI
	SYSCALL
	CMPL name-16(SP), $0x00657865 // "exe"
	JNE  other
	CALL github·com∕gobwrap∕gobwrap∕sandbox∕child·resume(SB)
other:
	RET
