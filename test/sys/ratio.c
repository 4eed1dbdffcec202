/*
 * The time of one kevent(2) that looks at an empty queue, in C, for ratio.ts. Compiled with COUNT, the type of nchanges and
 * nevents. Arguments: the library, or - for the process itself; the names of kqueue and kevent; how many calls a round,
 * how many rounds. Prints the nanoseconds of a call, a line for each round.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int (*kqueue_call)(void);
typedef int (*kevent_call)(int, const void *, COUNT, void *, COUNT, const struct timespec *);

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  void *library = dlopen(strcmp(argv[1], "-") == 0 ? NULL : argv[1], RTLD_NOW);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  kqueue_call make_queue = (kqueue_call)dlsym(library, argv[2]);
  kevent_call kevent = (kevent_call)dlsym(library, argv[3]);
  if (make_queue == NULL || kevent == NULL) return 1;
  const long calls = atol(argv[4]), rounds = atol(argv[5]);

  const struct timespec now = {0, 0};
  static long long events[64 * 8]; /* 64 records of at most 64 bytes */
  const int kq = make_queue();
  for (long round = 0; round < rounds; round++) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < calls; i++) {
      if (kevent(kq, NULL, 0, events, 64, &now) != 0) return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%f\n", ((end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / (double)calls);
  }
  return 0;
}
