/*
 * kevent(2) as a Node addon written by hand: the least that a call from JavaScript to C can cost on Node's stable
 * interface. It checks nothing. Its few declarations stand here, so that Node's headers need not be there.
 *
 *   cc -O2 -shared -fPIC addon.c -o addon.node        (macOS: and -undefined dynamic_lookup)
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* <node_api.h> */
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
int napi_get_cb_info(napi_env, napi_callback_info, size_t *argc, napi_value *argv, napi_value *self, void **data);
int napi_get_value_int32(napi_env, napi_value, int32_t *);
int napi_get_value_double(napi_env, napi_value, double *);
int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
int napi_get_typedarray_info(napi_env, napi_value, int *type, size_t *length, void **data, napi_value *, size_t *);
int napi_create_int32(napi_env, int32_t, napi_value *);
int napi_create_double(napi_env, double, napi_value *);
int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
int napi_set_named_property(napi_env, napi_value, const char *, napi_value);

#ifdef __NetBSD__
typedef size_t count_t;
#else
typedef int count_t;
#endif
static int (*call)(int, const void *, count_t, void *, count_t, const void *);

/* open(library, symbol): 0, or -1 where one is not found */
static napi_value Open(napi_env env, napi_callback_info info) {
  napi_value argv[2], result;
  size_t argc = 2, length;
  char library[4096] = "", symbol[256] = "";
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  napi_get_value_string_utf8(env, argv[0], library, sizeof library, &length);
  napi_get_value_string_utf8(env, argv[1], symbol, sizeof symbol, &length);
  void *handle = dlopen(library[0] == 0 ? NULL : library, RTLD_NOW);
  *(void **)&call = handle == NULL ? NULL : dlsym(handle, symbol);
  napi_create_int32(env, call == NULL ? -1 : 0, &result);
  return result;
}

/* kevent(kq, changes, nchanges, events, nevents, timeout) with typed arrays; another value is NULL */
static napi_value WithArrays(napi_env env, napi_callback_info info) {
  napi_value argv[6], result;
  size_t argc = 6;
  int32_t kq = -1, nchanges = 0, nevents = 0;
  void *changes = NULL, *events = NULL, *timeout = NULL;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  napi_get_value_int32(env, argv[0], &kq);
  napi_get_typedarray_info(env, argv[1], NULL, NULL, &changes, NULL, NULL);
  napi_get_value_int32(env, argv[2], &nchanges);
  napi_get_typedarray_info(env, argv[3], NULL, NULL, &events, NULL, NULL);
  napi_get_value_int32(env, argv[4], &nevents);
  napi_get_typedarray_info(env, argv[5], NULL, NULL, &timeout, NULL, NULL);
  napi_create_int32(env, call(kq, changes, nchanges, events, nevents, timeout), &result);
  return result;
}

/* The same, but the three arrays are given as their addresses. */
static napi_value WithAddresses(napi_env env, napi_callback_info info) {
  napi_value argv[6], result;
  size_t argc = 6;
  int32_t kq = -1, nchanges = 0, nevents = 0;
  double changes = 0, events = 0, timeout = 0;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  napi_get_value_int32(env, argv[0], &kq);
  napi_get_value_double(env, argv[1], &changes);
  napi_get_value_int32(env, argv[2], &nchanges);
  napi_get_value_double(env, argv[3], &events);
  napi_get_value_int32(env, argv[4], &nevents);
  napi_get_value_double(env, argv[5], &timeout);
  int n = call(kq, (void *)(uintptr_t)changes, nchanges, (void *)(uintptr_t)events, nevents, (void *)(uintptr_t)timeout);
  napi_create_int32(env, n, &result);
  return result;
}

/* The address of a typed array's memory. It stays where it is while the array lives. */
static napi_value Address(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  size_t argc = 1;
  void *data = NULL;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  napi_get_typedarray_info(env, argv[0], NULL, NULL, &data, NULL, NULL);
  napi_create_double(env, (double)(uintptr_t)data, &result);
  return result;
}

static void add(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, (size_t)-1, function, NULL, &value);
  napi_set_named_property(env, exports, name, value);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  add(env, exports, "open", Open);
  add(env, exports, "address", Address);
  add(env, exports, "withArrays", WithArrays);
  add(env, exports, "withAddresses", WithAddresses);
  return exports;
}
