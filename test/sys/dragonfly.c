/*
 * A kqueue with the habit of DragonFly's kern_kevent(): the record of a failed change, or of one with EV_RECEIPT, is written
 * whatever nevents says. A change fails with the errno that is in its data. Without such records the call reports one event.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  intptr_t data;
  void *udata;
};

enum { EV_RECEIPT = 0x40, EV_ERROR = 0x4000 };

int kqueue(void) {
  return open("/dev/null", O_RDONLY);
}

int kevent(int kq, const struct kevent *changelist, int nchanges, struct kevent *eventlist, int nevents,
           const struct timespec *timeout) {
  int errors = 0;
  (void)kq;
  (void)timeout;
  for (int i = 0; i < nchanges; i++) {
    struct kevent change = changelist[i];
    if (change.data == 0 && (change.flags & EV_RECEIPT) == 0)
      continue;
    if (eventlist == NULL) {
      errno = (int)change.data;
      return -1;
    }
    change.flags = EV_ERROR;
    eventlist[errors++] = change;
  }
  if (errors > 0 || nevents == 0)
    return errors;
  eventlist[0] = (struct kevent){.ident = 7, .filter = -1};
  return 1;
}
