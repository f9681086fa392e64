// ids prints its own ids. Installed set-user-id root it is bait: if it prints euid 0, set-id bits count
// where it was started.
#include <stdio.h>
#include <unistd.h>

int main(void) {
	printf("bait: %d %d\n", getuid(), geteuid());
	return 0;
}
