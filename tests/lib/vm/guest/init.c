/*
 * The guest's first process, in the initramfs: it loads the modules that the root file
 * system needs, mounts the host's root read-only and fresh file systems over what has to
 * be writable, runs /run/vm/script, and switches the machine off.
 *
 * Three serial ports: ttyS0 is the console, where the kernel and this program complain;
 * ttyS1 carries what the script writes, to standard output and to standard error;
 * ttyS2 carries its exit status, one line. No status means that the boot failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void off(void)
{
	sync();
	reboot(RB_AUTOBOOT); /* QEMU is told to end instead (-no-reboot) */
	for (;;)
		pause();
}

static void die(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
	tcdrain(1);
	off();
}

static void put(const char *type, const char *where, unsigned long flags, const char *data)
{
	mkdir(where, 0755); /* in the initramfs and on our own tmpfs; elsewhere it exists */
	if (mount(type, where, type, flags, data))
		die(where);
}

/* load loads the modules in the order of the list, which has dependencies first. */
static void load(void)
{
	char name[256];
	FILE *list = fopen("/modules", "re");

	if (!list)
		die("/modules");
	while (fgets(name, sizeof name, list)) {
		int fd;

		name[strcspn(name, "\n")] = 0;
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die(name);
		close(fd);
	}
	fclose(list);
}

/* enter makes the host's root, with our mounts over it, the root. */
static void enter(void)
{
	const unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	mkdir("/root", 0755);
	if (mount("root", "/root", "virtiofs", MS_RDONLY, NULL))
		die("mounting the host's root");
	/* With the flags that systemd uses: the kernel compares them when a user mounts anew. */
	put("proc", "/root/proc", closed, NULL);
	put("sysfs", "/root/sys", closed, NULL);
	put("securityfs", "/root/sys/kernel/security", closed, NULL);
	put("cgroup2", "/root/sys/fs/cgroup", closed, NULL);
	put("devtmpfs", "/root/dev", MS_NOSUID, NULL);
	put("devpts", "/root/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666");
	put("tmpfs", "/root/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	put("tmpfs", "/root/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	put("tmpfs", "/root/var/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	put("tmpfs", "/root/run", MS_NODEV, "mode=0755"); /* here set-user-id programs work */
	mkdir("/root/run/vm", 0755);
	if (mount("/vm", "/root/run/vm", NULL, MS_BIND, NULL))
		die("/run/vm");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("entering the host's root");
}

/* port opens a serial port that changes no byte. */
static int port(const char *name)
{
	struct termios t;
	int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &t))
		die(name);
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	if (tcsetattr(fd, TCSANOW, &t))
		die(name);
	return fd;
}

static void send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			die("writing to a serial port");
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
}

static pid_t start(int out)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	setsid();
	close(0);
	if (open("/dev/null", O_RDONLY) != 0 || dup2(out, 1) != 1 || dup2(out, 2) != 2)
		die("the script's descriptors");
	signal(SIGCHLD, SIG_DFL);
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C", 1);
	execl("/bin/sh", "sh", "/run/vm/script", (char *)NULL);
	_exit(127);
}

static void wake(int sig)
{
	(void)sig;
}

/*
 * follow passes on what the script writes and returns its wait status. When the script
 * ends, what it left behind is killed, so that the pipe ends too.
 */
static int follow(pid_t script, int from, int to)
{
	int status = 0, found;
	struct pollfd p = { .fd = from, .events = POLLIN };
	char buf[4096];
	ssize_t n;
	pid_t pid;

	for (;;) {
		/* The time limit is for a signal that comes just before the call. */
		if (poll(&p, 1, 100) > 0) {
			n = read(from, buf, sizeof buf);
			if (n == 0)
				break;
			if (n > 0)
				send(to, buf, n);
		}
		while ((pid = waitpid(-1, &found, WNOHANG)) > 0) {
			if (pid != script)
				continue;
			status = found;
			kill(-1, SIGKILL);
		}
	}
	if (waitpid(script, &found, 0) == script) /* it had closed its output */
		status = found;
	return status;
}

int main(void)
{
	struct sigaction act = { .sa_handler = wake };
	int console, out, result, ends[2], status, len;
	pid_t script;
	char line[32];

	put("devtmpfs", "/dev", 0, NULL);
	console = open("/dev/console", O_RDWR);
	if (console >= 0 && (dup2(console, 1) != 1 || dup2(console, 2) != 2))
		off();
	setvbuf(stdout, NULL, _IONBF, 0);
	load();
	enter();
	out = port("/dev/ttyS1");
	result = port("/dev/ttyS2");
	sigaction(SIGCHLD, &act, NULL);
	if (pipe2(ends, O_CLOEXEC))
		die("pipe");
	script = start(ends[1]);
	close(ends[1]);
	status = follow(script, ends[0], out);
	tcdrain(out);
	len = snprintf(line, sizeof line, "%d\n",
		WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	send(result, line, len);
	tcdrain(result);
	off();
}
