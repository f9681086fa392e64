// witness is the command of the sandboxes, and their caller where that has to be C. Its
// words are carried out one after another:
//
//	report       what this process is and has, a fact a line, and what it can do that
//	             only root may; then "end". What succeeds changes nothing: it acts on
//	             places that only the tests' sandboxes have, or sets what is there
//	pause        wait for a signal
//	sleep MS     wait
//	timer US     arm ITIMER_REAL, which stays armed across exec
//	shut         make this process undumpable
//	keep         keep capabilities permitted when the ids change
//	exec WORD... become another program
//	exit N       end
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static char **rest;

static char *word(void) {
	if (*rest == NULL) {
		fprintf(stderr, "witness: operand missing\n");
		exit(99);
	}
	return *rest++;
}

static void may(const char *what, long result) { printf("may %s: %s\n", what, result < 0 ? strerrorname_np(errno) : "yes"); }

// may_open tells what is the user's own, which a plan may have put in the place, from what
// is not: by the owner of the file, or of the directory of a new one.
static void may_open(const char *what, const char *path, int flags) {
	struct stat st;
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0 && (flags & O_CREAT ? stat("/b/root", &st) : fstat(fd, &st)) == 0 && st.st_uid == getuid())
		printf("may %s: own\n", what);
	else
		may(what, fd);
}

// may_read tells a secret from another file in its place.
static void may_read(const char *what, const char *path) {
	char text[8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && (read(fd, text, 7) < 0 || strcmp(text, "secret\n") != 0))
		printf("may %s: another\n", what);
	else
		may(what, fd);
}

static void capabilities(void) {
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};
	unsigned long bounding = 0, ambient = 0;
	syscall(SYS_capget, &h, d);
	for (int c = 0; c < 64; c++) {
		bounding |= (unsigned long)(prctl(PR_CAPBSET_READ, c) == 1) << c;
		ambient |= (unsigned long)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1) << c;
	}
	printf("inheritable: %x%08x\npermitted: %x%08x\neffective: %x%08x\n", d[1].inheritable, d[0].inheritable,
	       d[1].permitted, d[0].permitted, d[1].effective, d[0].effective);
	printf("bounding: %lx\nambient: %lx\n", bounding, ambient);
}

static void bait(void) {
	pid_t pid;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl("/b/root/ids", "ids", NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	may_read("read the secret", "/b/root/secret");
	may_read("read nobody's", "/b/nobody/secret");
	may_open("make a file", "/b/root/made", O_WRONLY | O_CREAT);
	may_open("write a file", "/b/root/keep", O_WRONLY);
}

static void report(void) {
	uid_t r, e, s;
	gid_t rg, eg, sg;
	gid_t more[64];
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{~0U, ~0U, 0}, {0x1ff, 0x1ff, 0}};
	struct utsname name;
	uname(&name);
	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	printf("uid: %u %u %u\ngid: %u %u %u\ngroups:", r, e, s, rg, eg, sg);
	for (int i = 0, n = getgroups(64, more); i < n; i++)
		printf(" %u", more[i]);
	printf("\n");
	capabilities();
	printf("no_new_privs: %d\nseccomp: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
	printf("securebits: %d\npid: %d\nsession: %d\n", prctl(PR_GET_SECUREBITS), getpid(), getsid(0));
	for (int fd = 0; fd < 1100; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			char link[64], to[256] = "";
			snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
			(void)!readlink(link, to, sizeof to - 1);
			printf("fd: %d\n%s: %s\n", fd, link, to);
		}
	bait();
	may("setuid", setuid(0));
	may("setresuid", setresuid(-1, 0, -1));
	may("setgid", setgid(0));
	may("setgroups", setgroups(0, NULL));
	may("capset", syscall(SYS_capset, &h, d));
	may("mount", mount("none", "/t", "tmpfs", 0, NULL));
	may("remount", mount(NULL, "/h", NULL, MS_REMOUNT | MS_BIND, NULL));
	may("umount", umount2("/h", MNT_DETACH));
	may("chroot", chroot("/h"));
	may("sethostname", sethostname(name.nodename, strlen(name.nodename)));
	may("mknod", mknod("/t/device", S_IFBLK | 0666, makedev(8, 0)));
	may("unshare", syscall(SYS_unshare, 0x00020000 /* CLONE_NEWNS */));
	printf("end\n");
}

int main(int argc, char **argv) {
	(void)argc;
	rest = argv + (argc > 0);
	while (*rest) {
		char *what = *rest++;
		if (!strcmp(what, "report"))
			report();
		else if (!strcmp(what, "pause"))
			pause();
		else if (!strcmp(what, "sleep"))
			usleep(1000 * atoi(word()));
		else if (!strcmp(what, "timer")) {
			struct itimerval t = {{0, 0}, {0, atoi(word())}};
			setitimer(ITIMER_REAL, &t, NULL);
		} else if (!strcmp(what, "shut"))
			prctl(PR_SET_DUMPABLE, 0);
		else if (!strcmp(what, "keep"))
			prctl(PR_SET_KEEPCAPS, 1);
		else if (!strcmp(what, "exit"))
			exit(atoi(word()));
		else if (!strcmp(what, "exec")) {
			execvp(*rest, rest);
			perror(*rest);
			return 127;
		} else {
			fprintf(stderr, "witness: what is %s?\n", what);
			return 99;
		}
		fflush(stdout);
	}
	return 0;
}
