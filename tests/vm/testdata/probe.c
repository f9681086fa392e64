/*
 * Helpers of rows.sh. Static programs start several times faster than others where the
 * processor is emulated, and this one is started often.
 *
 *	probe as UID GROUP,… COMMAND…    run the command as a user; the first group is the gid
 *	probe inside [FILE]              make the file, and say who we are and who owns it
 *	probe owner FILE                 say who owns the file and remove it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	return 125;
}

static int as(char **argv)
{
	uid_t uid = atoi(argv[0]);
	gid_t groups[16];
	int n = 0;

	for (char *word = strtok(argv[1], ","); word && n < 16; word = strtok(NULL, ","))
		groups[n++] = atoi(word);
	if (setgroups(n, groups) || setresgid(groups[0], groups[0], groups[0]) || setresuid(uid, uid, uid))
		return fail("becoming a user");
	execv(argv[2], argv + 2);
	return fail(argv[2]);
}

static int owner(const char *label, const char *file)
{
	struct stat st;

	if (stat(file, &st))
		return fail(file);
	printf("%s %u:%u\n", label, st.st_uid, st.st_gid);
	return 0;
}

/* wanted tells the lines of /proc/self/status that are about identity and privilege. */
static int wanted(const char *line)
{
	static const char *const names[] = { "Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(line, names[i], strlen(names[i])))
			return 1;
	return 0;
}

static int inside(const char *file)
{
	char line[4096] = "";
	FILE *status = fopen("/proc/self/status", "r");

	if (readlink("/proc/self/ns/user", line, sizeof line - 1) < 0 || !status)
		return fail("/proc/self");
	printf("ns %s\n", line);
	while (fgets(line, sizeof line, status))
		if (wanted(line))
			fputs(line, stdout);
	if (!file)
		return 0;
	if (open(file, O_WRONLY | O_CREAT | O_EXCL, 0644) < 0)
		return fail(file);
	return owner("made", file);
}

int main(int argc, char **argv)
{
	if (argc > 4 && !strcmp(argv[1], "as"))
		return as(argv + 2);
	if (argc > 1 && !strcmp(argv[1], "inside"))
		return inside(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "owner"))
		return owner("outside", argv[2]) || unlink(argv[2]);
	errno = EINVAL;
	return fail("arguments");
}
