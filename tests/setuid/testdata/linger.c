/*
 * linger OFFSET TRIES LAUNCHER ARG...
 *
 * The user's attempt to keep a process of a launch that has privilege: stop it before its first
 * instruction, and kill the launcher. In a PID namespace of its own, so that pids can be predicted,
 * it sends SIGSTOP to the launcher's pid plus OFFSET until one arrives. It prints for each try "missed",
 * or "stopped UID CAPABILITIES", and for each process that is left afterwards "left UID CAPABILITIES".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* say prints a word, and what ids and capabilities a process has; nothing where it is gone. */
static int say(const char *word, int pid)
{
	char path[64], text[4096], *uid, *caps;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	int n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	uid = strstr(text, "Uid:"), caps = strstr(text, "CapPrm:");
	if (!uid || !caps || strstr(text, "State:\tZ"))
		return 0;
	printf("%s %d %llx\n", word, atoi(uid + 4), strtoull(caps + 7, 0, 16));
	return 1;
}

static long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int try = atoi(argv[2]); try > 0; try--) {
		int launcher = fork();
		if (launcher == 0) {
			int null = open("/dev/null", O_RDWR);
			dup2(null, 0), dup2(null, 1), dup2(null, 2);
			execv(argv[3], argv + 3);
			_exit(124);
		}
		int victim = launcher + atoi(argv[1]), hit = 0;
		for (long end = now() + 400; !hit && now() < end;)
			hit = kill(victim, SIGSTOP) == 0;
		usleep(30000);
		if (!hit || !say("stopped", victim))
			puts("missed");
		kill(launcher, SIGKILL);
		waitpid(launcher, 0, 0);
		usleep(500000);
		for (int pid = launcher + 1; pid < launcher + 10; pid++)
			if (say("left", pid))
				kill(pid, SIGKILL);
		usleep(50000);
		while (waitpid(-1, 0, WNOHANG) > 0)
			;
	}
	return 0;
}
