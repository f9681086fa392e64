// trace PROGRAM WORD...: runs a program traced from its first instruction, and makes its first
// system call one that makes a user namespace. Says what came of it.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct user_regs_struct regs;
	int status;
	pid_t pid;

	setvbuf(stdout, NULL, _IONBF, 0);
	pid = fork();

	if (argc < 2 || pid < 0)
		return 2;
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(failed("PTRACE_TRACEME"));
		execv(argv[1], argv + 1);
		_exit(failed("execve"));
	}
	waitpid(pid, &status, 0); // the stop behind the exec
	if (WIFEXITED(status))
		return 1;
	for (int entry = 1; entry >= 0; entry--) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, 0))
			return failed("PTRACE_SYSCALL");
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, pid, 0, &regs))
			return failed("PTRACE_GETREGS");
		if (entry) {
			regs.orig_rax = SYS_unshare;
			regs.rdi = CLONE_NEWUSER;
			if (ptrace(PTRACE_SETREGS, pid, 0, &regs))
				return failed("PTRACE_SETREGS");
		}
	}
	errno = -(int)regs.rax;
	puts(regs.rax == 0 ? "a user namespace" : strerror(errno));
	kill(pid, 9);
	return 0;
}
