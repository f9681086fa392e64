// bare does nothing but to end with status 7. It is linked without a C library, whose start
// would need more system calls.
#include <sys/syscall.h>

void _start(void) {
#if defined __x86_64__
	__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(7));
#elif defined __aarch64__
	register long number __asm__("x8") = SYS_exit_group, status __asm__("x0") = 7;
	__asm__ volatile("svc 0" : : "r"(number), "r"(status));
#endif
	__builtin_unreachable();
}
