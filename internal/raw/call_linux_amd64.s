#include "textflag.h"

// func Call(nr, a, b, c, d, e, f uintptr) uintptr
TEXT ·Call(SB),NOSPLIT,$0-64
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

// func Trap()
TEXT ·Trap(SB),NOSPLIT,$0-0
	UD2
	RET

// func Mapped(addr uintptr) unsafe.Pointer
TEXT ·Mapped(SB),NOSPLIT,$0-16
	MOVQ addr+0(FP), AX
	MOVQ AX, ret+8(FP)
	RET
