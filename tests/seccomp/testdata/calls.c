// calls makes system calls by number, each in a process of its own, and prints what came
// of it, a line each: "ok", "errno N" or "signal N".
//
//	calls ENTRY:NR[:ARG...] ...
//
// ENTRY is 64 (syscall), x32 (syscall; the number has the bit already) or 32 (int $0x80).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long call64(unsigned long nr, unsigned long *a) {
	long result;
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}

// call32 has five arguments: the sixth would be the frame pointer.
static long call32(unsigned long nr, unsigned long *a) {
	long result;
	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
	                 : "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

// one makes the call that a word describes and stores the outcome.
static void one(char *word, volatile long *outcome) {
	unsigned long a[6] = {0}, nr;
	char *rest;
	int compat = !strncmp(word, "32:", 3);
	pid_t self = getpid();
	word = strchr(word, ':');
	if (!word)
		_exit(9);
	nr = strtoul(word + 1, &rest, 0);
	for (int i = 0; *rest == ':' && i < 6; i++)
		a[i] = strtoul(rest + 1, &rest, 0);
	if (*rest)
		_exit(9);
	long result = compat ? call32(nr, a) : call64(nr, a);
	if (syscall(SYS_getpid) == self) // what clone made takes another way
		*outcome = result;
	_exit(0);
}

int main(int argc, char **argv) {
	volatile long *outcome = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		return 2;
	signal(SIGCHLD, SIG_DFL);
	for (int i = 1; i < argc; i++) {
		int status;
		*outcome = -4999;
		pid_t pid = fork();
		if (pid == 0)
			one(argv[i], outcome);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 2;
		if (WIFSIGNALED(status))
			printf("signal %d\n", WTERMSIG(status));
		else if (WEXITSTATUS(status) || *outcome == -4999)
			return 2;
		else if (*outcome < 0 && *outcome >= -4095)
			printf("errno %ld\n", -*outcome);
		else
			printf("ok\n");
	}
	return 0;
}
