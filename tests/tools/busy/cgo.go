package main

// #include <pthread.h>
// #include <signal.h>
// #include <unistd.h>
// static void *sleeper(void *p) { for (;;) pause(); return p; }
// // A library's thread, which is there before Go is.
// __attribute__((constructor)) static void begin(void) {
//     pthread_t t;
//     sigset_t all, was;
//     sigfillset(&all);
//     pthread_sigmask(SIG_SETMASK, &all, &was);
//     pthread_create(&t, 0, sleeper, 0);
//     pthread_sigmask(SIG_SETMASK, &was, 0);
// }
// static int answer(void) { return 42; }
import "C"

var _ = C.answer()
