/*
 * The loops of the benchmark in C: what the calls cost where no JavaScript is. Each function takes the time of its own
 * loop and returns nanoseconds, so that whoever calls it adds nothing. Every field of every record is read.
 *
 *   cc -O2 -shared -fPIC loop.c
 *
 * bench_* are on the library that bench_open() was given, which is the one that the benchmark uses from JavaScript.
 * epoll_* (Linux) do with plain epoll what the built-in kqueue reports: which descriptor, and how many bytes it has.
 * calls_* (Linux) make the very system calls of the built-in kqueue: they also ask whether the number still is that file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timerfd.h>
/* <sys/event.h> of libkqueue */
struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void *udata;
};
#define EVFILT_READ (-1)
#define EVFILT_TIMER (-7)
#define EV_ADD 0x1
#define EV_DELETE 0x2
#define EV_ONESHOT 0x10
#define NOTE_NSECONDS 0x4
#define EV_SET(k, a, b, c, d, e, f) (*(k) = (struct kevent){(uintptr_t)(a), (b), (c), (d), (e), (f)})
#else
#include <sys/event.h>
#endif

#ifdef __NetBSD__
typedef size_t count_t;
#else
typedef int count_t;
#endif
typedef int kqueue_t(void);
typedef int kevent_t(int, const struct kevent *, count_t, struct kevent *, count_t, const struct timespec *);

#define MAX_EVENTS 1024
#define UDATA(n) ((void *)(intptr_t)(n))

static kqueue_t *make;
static kevent_t *call;
static struct kevent events[MAX_EVENTS];
static const struct timespec zero;
/* Where the fields go, so that no compiler leaves their reading out. */
static volatile int64_t sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* 0, or -1 where the library or a symbol is not found. "" is the process itself. */
int bench_open(const char *library, const char *kqueue_symbol, const char *kevent_symbol) {
  void *handle = dlopen(library[0] == 0 ? NULL : library, RTLD_NOW);
  if (handle == NULL) return -1;
  make = (kqueue_t *)dlsym(handle, kqueue_symbol);
  call = (kevent_t *)dlsym(handle, kevent_symbol);
  return make == NULL || call == NULL ? -1 : 0;
}

int bench_new(void) { return make(); }

/* One level-triggered knote; its udata is the descriptor. */
int bench_watch(int kq, int fd) {
  struct kevent change;
  EV_SET(&change, fd, EVFILT_READ, EV_ADD, 0, 0, UDATA(fd));
  return call(kq, &change, 1, NULL, 0, NULL);
}

/* How many events one call finds: not all that there are, where the library has a limit of its own. */
int bench_count(int kq, int nevents) { return call(kq, NULL, 0, events, nevents, &zero); }

/* Fetches at most `nevents` events, `times` times, without waiting. */
double bench_fetch(int kq, int nevents, int times) {
  double start = now();
  for (int t = 0; t < times; t++) {
    int n = call(kq, NULL, 0, events, nevents, &zero);
    int64_t sum = 0;
    for (int i = 0; i < n; i++) {
      const struct kevent *e = &events[i];
      sum += (int64_t)e->ident + e->filter + e->flags + e->fflags + (int64_t)e->data + (int64_t)(intptr_t)e->udata;
    }
    sink += sum;
  }
  return now() - start;
}

/* Adds a knote for each of `count` descriptors, `batch` in a call. The time to remove them again is not counted. */
double bench_register(int kq, const int *fds, int count, int batch) {
  struct kevent *list = malloc(sizeof(struct kevent) * (size_t)batch);
  double start = now();
  for (int at = 0; at < count; at += batch) {
    for (int i = 0; i < batch; i++) EV_SET(&list[i], fds[at + i], EVFILT_READ, EV_ADD, 0, 0, UDATA(at + i + 1));
    if (call(kq, list, batch, NULL, 0, NULL) != 0) abort();
  }
  double end = now();
  for (int i = 0; i < count; i++) {
    EV_SET(&list[0], fds[i], EVFILT_READ, EV_DELETE, 0, 0, NULL);
    if (call(kq, list, 1, NULL, 0, NULL) != 0) abort();
  }
  free(list);
  return end - start;
}

/* Writes a byte, fetches its event, reads the byte: `times` times. */
double bench_cycle(int kq, int reader, int writer, int nevents, int times) {
  char byte = 0;
  double start = now();
  for (int t = 0; t < times; t++) {
    if (write(writer, &byte, 1) != 1) abort();
    if (call(kq, NULL, 0, events, nevents, &zero) != 1) abort();
    if (read(reader, &byte, 1) != 1) abort();
  }
  return now() - start;
}

/* Both ends of each pair answer whatever comes, until `messages` have been read. */
double bench_ping_pong(int kq, const int *first, int pairs, int messages) {
  char byte = 0;
  int left = messages;
  double start = now();
  for (int i = 0; i < pairs; i++) {
    if (write(first[i], &byte, 1) != 1) abort();
  }
  while (left > 0) {
    int n = call(kq, NULL, 0, events, 256, NULL);
    for (int i = 0; i < n; i++) {
      int fd = (int)events[i].ident;
      if (read(fd, &byte, 1) != 1) abort();
      if (left-- > pairs && write(fd, &byte, 1) != 1) abort();
    }
  }
  return now() - start;
}

/* DragonFly counts milliseconds only. */
#ifdef NOTE_NSECONDS
#define UNIT NOTE_NSECONDS
#define FROM_US(us) ((us) * 1000L)
#else
#define UNIT 0
#define FROM_US(us) (((us) + 999) / 1000)
#endif

/* How late one-shot timers of `us` microseconds are, in nanoseconds, one after the other. */
void bench_timer(int kq, int us, double *late, int times) {
  struct kevent change;
  for (int t = 0; t < times; t++) {
    EV_SET(&change, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, UNIT, FROM_US(us), NULL);
    double start = now();
    if (call(kq, &change, 1, events, 1, NULL) != 1) abort();
    late[t] = now() - start - us * 1e3;
  }
}

#ifdef __linux__
static struct epoll_event ready[MAX_EVENTS];

int epoll_count(int ep, int nevents) { return epoll_wait(ep, ready, nevents, 0); }

/* Each is watched edge-triggered, and what was reported is rearmed: EBADF or ENOENT where the number is another file. */
static int calls_ctl(int ep, int operation, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u64 = (uint64_t)fd};
  return epoll_ctl(ep, operation, fd, &event);
}

int calls_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
int calls_watch(int ep, int fd) { return calls_ctl(ep, EPOLL_CTL_ADD, fd); }

/* Inlined with a constant, so that neither of the two below has a branch for the other. */
static inline __attribute__((always_inline)) double fetch_bytes(int ep, int nevents, int times, int rearm) {
  double start = now();
  for (int t = 0; t < times; t++) {
    int n = epoll_wait(ep, ready, nevents, 0);
    int64_t sum = 0;
    for (int i = 0; i < n; i++) {
      int fd = (int)ready[i].data.u64;
      int bytes = 0;
      ioctl(fd, FIONREAD, &bytes);
      if (rearm && calls_ctl(ep, EPOLL_CTL_MOD, fd) != 0) abort();
      sum += fd + bytes + ready[i].events;
    }
    sink += sum;
  }
  return now() - start;
}

double epoll_fetch(int ep, int nevents, int times) { return fetch_bytes(ep, nevents, times, 0); }
double calls_fetch(int ep, int nevents, int times) { return fetch_bytes(ep, nevents, times, 1); }

double epoll_register(int ep, const int *fds, int count, int batch) {
  (void)batch;
  double start = now();
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = (uint64_t)fds[i]};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event) != 0) abort();
  }
  double end = now();
  for (int i = 0; i < count; i++) epoll_ctl(ep, EPOLL_CTL_DEL, fds[i], NULL);
  return end - start;
}

double epoll_cycle(int ep, int reader, int writer, int nevents, int times) {
  char byte = 0;
  double start = now();
  for (int t = 0; t < times; t++) {
    int bytes = 0;
    if (write(writer, &byte, 1) != 1) abort();
    if (epoll_wait(ep, ready, nevents, 0) != 1) abort();
    ioctl((int)ready[0].data.u64, FIONREAD, &bytes);
    if (read(reader, &byte, 1) != 1) abort();
  }
  return now() - start;
}

double epoll_ping_pong(int ep, const int *first, int pairs, int messages) {
  char byte = 0;
  int left = messages;
  double start = now();
  for (int i = 0; i < pairs; i++) {
    if (write(first[i], &byte, 1) != 1) abort();
  }
  while (left > 0) {
    int n = epoll_wait(ep, ready, 256, -1);
    for (int i = 0; i < n; i++) {
      int fd = (int)ready[i].data.u64;
      int bytes = 0;
      ioctl(fd, FIONREAD, &bytes);
      if (read(fd, &byte, 1) != 1) abort();
      if (left-- > pairs && write(fd, &byte, 1) != 1) abort();
    }
  }
  return now() - start;
}

/* A timerfd in an epoll, as an event loop in C would have it. */
void epoll_timer(int ep, int us, double *late, int times) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(ep, EPOLL_CTL_ADD, timer, &event);
  for (int t = 0; t < times; t++) {
    uint64_t expirations = 0;
    struct itimerspec spec = {.it_value = {us / 1000000, us % 1000000 * 1000L}};
    double start = now();
    timerfd_settime(timer, 0, &spec, NULL);
    if (epoll_wait(ep, ready, 1, -1) != 1) abort();
    late[t] = now() - start - us * 1e3;
    if (read(timer, &expirations, sizeof expirations) != sizeof expirations) abort();
  }
  close(timer);
}

int epoll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }

/* One level-triggered watch; its data is the descriptor. */
int epoll_watch(int ep, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = (uint64_t)fd};
  return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
}
#endif

/* poll(2) over `count` descriptors, of which the last is `reader`: what an event cost before kqueue and epoll. */
double poll_cycle(const int *fds, int count, int reader, int writer, int times) {
  struct pollfd *list = malloc(sizeof(struct pollfd) * (size_t)(count + 1));
  char byte = 0;
  for (int i = 0; i < count; i++) list[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
  list[count] = (struct pollfd){.fd = reader, .events = POLLIN};
  double start = now();
  for (int t = 0; t < times; t++) {
    int bytes = 0;
    if (write(writer, &byte, 1) != 1) abort();
    if (poll(list, (nfds_t)count + 1, 0) != 1) abort();
    for (int i = 0; i <= count; i++) {
      if ((list[i].revents & POLLIN) != 0) ioctl(list[i].fd, FIONREAD, &bytes);
    }
    if (bytes != 1 || read(reader, &byte, 1) != 1) abort();
  }
  double end = now();
  free(list);
  return end - start;
}
