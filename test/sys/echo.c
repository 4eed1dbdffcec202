/*
 * A kqueue that only repeats what it is told, so that a test can see what arrives in C. Compiled once for each ABI:
 *
 *   KEVENT      the name of the call: kevent, __kevent50
 *   COUNT       the C type of nchanges and nevents
 *   RECORD      sizeof(struct kevent)
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* kq, nchanges, nevents, whether each pointer was NULL, tv_sec, tv_nsec: of the last call. */
int64_t echo_seen[8];

int kqueue(void) {
  return open("/dev/null", O_RDONLY);
}

/* A process that has no descriptor left. */
int kqueue_none(void) {
  errno = EMFILE;
  return -1;
}

/* Copies the changes into the event list; a kq below zero is an errno. */
int KEVENT(int kq, const void *changelist, COUNT nchanges, void *eventlist, COUNT nevents,
           const struct timespec *timeout) {
  const int64_t seen[8] = {
      kq, (int64_t)nchanges, (int64_t)nevents, changelist == NULL, eventlist == NULL, timeout == NULL,
      timeout == NULL ? 0 : timeout->tv_sec, timeout == NULL ? 0 : timeout->tv_nsec,
  };
  memcpy(echo_seen, seen, sizeof seen);
  if (kq < 0) {
    errno = -kq;
    return -1;
  }
  const COUNT n = nchanges < nevents ? nchanges : nevents;
  memmove(eventlist, changelist, (size_t)n * RECORD);
  return (int)n;
}
