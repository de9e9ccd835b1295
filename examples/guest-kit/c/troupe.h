/*
 * Troupe guest kit for C: everything a component needs to be an actor, in one header, without a C library.
 *
 *     #include "troupe.h"
 *
 *     static troupe_answer greet(const troupe_message *message) {
 *       return troupe_reply(message->payload);
 *     }
 *     TROUPE_ACTOR(greet)
 *
 * Guarantees
 *   G1  The layouts below are those that the canonical ABI prescribes for `troupe:actor@0.1.0`; the compiler checks
 *       their sizes.
 *   G2  What a message brings and what its handler allocates lives until the host has read the answer; then all of it
 *       is given back at once. State that must stay longer belongs in static variables.
 *   G3  Nothing here allocates behind the handler's back: memory grows only by `troupe_alloc` and by what the host
 *       hands in.
 * Limits      One thread, one source file for each component, 32-bit memory. Out of memory is a trap.
 * Build       clang --target=wasm32 -O2 -mbulk-memory -nostdlib -ffreestanding, then `wasm-ld --no-entry`.
 */
#ifndef TROUPE_H
#define TROUPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TROUPE_EXPORT(name) __attribute__((export_name(name), used))
#define TROUPE_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

/* ---- Memory --------------------------------------------------------------------------------------------------- */

/*
 * One arena from the end of the static data to the end of memory:
 *
 *     | stack | static data | arguments, answers, scratch …            | free |
 *                           ^ __heap_base                              ^ troupe_arena_top
 *
 * A handler takes from the top and never frees; `troupe_free_all` puts the top back when the answer has been read.
 */
extern uint8_t __heap_base;
static uintptr_t troupe_arena_top;

enum { TROUPE_PAGE_BYTES = 65536 };

static uintptr_t troupe_arena_start(void) {
  return (uintptr_t)&__heap_base;
}

/* Makes sure that memory reaches to `end`; traps if the limit of the component is smaller. */
static void troupe_reserve(uintptr_t end) {
  uintptr_t have = __builtin_wasm_memory_size(0) * (uintptr_t)TROUPE_PAGE_BYTES;
  if (end <= have) return;
  uintptr_t pages = (end - have + TROUPE_PAGE_BYTES - 1) / TROUPE_PAGE_BYTES;
  if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
}

/* Takes `size` bytes, aligned to `align` (a power of two), until the current message is done. Traps when out of memory. */
static void *troupe_alloc_aligned(size_t size, size_t align) {
  if (troupe_arena_top == 0) troupe_arena_top = troupe_arena_start();
  uintptr_t start = (troupe_arena_top + align - 1) & ~(uintptr_t)(align - 1);
  uintptr_t end = start + size;
  if (end < start) __builtin_trap();
  troupe_reserve(end);
  troupe_arena_top = end;
  return (void *)start;
}

static inline void *troupe_alloc(size_t size) {
  return troupe_alloc_aligned(size, 8);
}

/* A place in the arena to come back to, for a handler that works in rounds: mark, work, release. */
static inline uintptr_t troupe_mark(void) {
  return (uintptr_t)troupe_alloc_aligned(0, 1);
}

static inline void troupe_release(uintptr_t mark) {
  troupe_arena_top = mark;
}

static inline void troupe_free_all(void) {
  troupe_arena_top = troupe_arena_start();
}

/* How the host puts strings and lists into this memory. The last allocation grows in place. */
TROUPE_EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
  if (old != NULL && (uintptr_t)old + old_size == troupe_arena_top) {
    uintptr_t end = (uintptr_t)old + new_size;
    if (end < (uintptr_t)old) __builtin_trap();
    troupe_reserve(end);
    troupe_arena_top = end;
    return old;
  }
  void *fresh = troupe_alloc_aligned(new_size, align);
  if (old != NULL) __builtin_memcpy(fresh, old, old_size < new_size ? old_size : new_size);
  return fresh;
}

/* The compiler calls these by name; with bulk memory they are one instruction each. */
void *memcpy(void *to, const void *from, size_t size) {
  return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
  return __builtin_memmove(to, from, size);
}

void *memset(void *to, int byte, size_t size) {
  return __builtin_memset(to, byte, size);
}

int memcmp(const void *left, const void *right, size_t size) {
  const uint8_t *a = left, *b = right;
  for (size_t i = 0; i < size; i++) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

/* ---- Values --------------------------------------------------------------------------------------------------- */

/* A WIT `string` (UTF-8, not terminated) or `list<u8>`. */
typedef struct {
  const uint8_t *ptr;
  size_t len;
} troupe_bytes;

/* A string literal as bytes. */
#define TROUPE_TEXT(literal) ((troupe_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static inline bool troupe_equal(troupe_bytes a, troupe_bytes b) {
  return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

typedef enum { TROUPE_TELL, TROUPE_ASK, TROUPE_TOPIC } troupe_delivery;

typedef enum {
  TROUPE_INVALID,
  TROUPE_DENIED,
  TROUPE_NOT_FOUND,
  TROUPE_CONFLICT,
  TROUPE_OVERLOAD,
  TROUPE_TIMEOUT,
  TROUPE_UNAVAILABLE,
  TROUPE_CANCELLED,
  TROUPE_INTERNAL,
} troupe_failure_kind;

/* `record failure`: why something did not happen. */
typedef struct {
  uint8_t kind; /* troupe_failure_kind */
  troupe_bytes code;
  troupe_bytes message;
} troupe_failure;

/* `record message`. */
typedef struct {
  troupe_delivery delivery;
  troupe_bytes subject;
  troupe_bytes payload;
  bool has_sender;
  troupe_bytes sender;
  bool has_remaining_ms;
  uint32_t remaining_ms;
} troupe_message;

/* `result<option<list<u8>>, failure>`: what a handler gives back. */
typedef struct {
  uint8_t is_failure;
  union {
    struct {
      uint8_t has_payload;
      troupe_bytes payload;
    } ok;
    troupe_failure failure;
  };
} troupe_answer;

/* `result<list<u8>, failure>` and, with the payload unused, `result<_, failure>`: what `ask` and `tell` give back. */
typedef struct {
  uint8_t is_failure;
  union {
    troupe_bytes payload;
    troupe_failure failure;
  };
} troupe_reply_or_failure;

/* `result<u32, failure>`: what `publish` gives back. */
typedef struct {
  uint8_t is_failure;
  union {
    uint32_t taken_by;
    troupe_failure failure;
  };
} troupe_published;

_Static_assert(sizeof(troupe_bytes) == 8 && sizeof(troupe_failure) == 20, "layout of `failure`");
_Static_assert(sizeof(troupe_answer) == 24 && offsetof(troupe_answer, ok) == 4, "layout of the answer");
_Static_assert(sizeof(troupe_reply_or_failure) == 24 && offsetof(troupe_reply_or_failure, failure) == 4, "layout of a reply");
_Static_assert(sizeof(troupe_published) == 24 && offsetof(troupe_published, taken_by) == 4, "layout of `publish`");

/* Answers an `ask` with `payload`. */
static inline troupe_answer troupe_reply(troupe_bytes payload) {
  return (troupe_answer){.is_failure = 0, .ok = {.has_payload = 1, .payload = payload}};
}

/* Answers without a payload: what a `tell` or a topic needs. */
static inline troupe_answer troupe_done(void) {
  return (troupe_answer){.is_failure = 0, .ok = {.has_payload = 0}};
}

/* Refuses the message. The actor goes on; the sender of an `ask` gets the failure. */
static inline troupe_answer troupe_refuse(troupe_failure_kind kind, troupe_bytes code, troupe_bytes message) {
  return (troupe_answer){.is_failure = 1, .failure = {.kind = (uint8_t)kind, .code = code, .message = message}};
}

/* Hands on a failure that another call gave. */
static inline troupe_answer troupe_fail(troupe_failure failure) {
  return (troupe_answer){.is_failure = 1, .failure = failure};
}

/* ---- Messaging (`troupe:actor/messaging`, needs a `messaging` grant) --------------------------------------------- */

#define TROUPE_MESSAGING "troupe:actor/messaging@0.1.0"

TROUPE_IMPORT(TROUPE_MESSAGING, "tell")
void troupe_import_tell(const uint8_t *to, size_t to_len, const uint8_t *op, size_t op_len, const uint8_t *payload,
                        size_t payload_len, troupe_reply_or_failure *result);

TROUPE_IMPORT(TROUPE_MESSAGING, "ask")
void troupe_import_ask(const uint8_t *to, size_t to_len, const uint8_t *op, size_t op_len, const uint8_t *payload,
                       size_t payload_len, uint32_t timeout_ms, troupe_reply_or_failure *result);

TROUPE_IMPORT(TROUPE_MESSAGING, "publish")
void troupe_import_publish(const uint8_t *topic, size_t topic_len, const uint8_t *payload, size_t payload_len,
                           troupe_published *result);

TROUPE_IMPORT(TROUPE_MESSAGING, "self")
void troupe_import_self(troupe_bytes *result);

/* Puts a message into the mailbox of `to`; a full mailbox is a failure at once. */
static inline troupe_reply_or_failure troupe_tell(troupe_bytes to, troupe_bytes op, troupe_bytes payload) {
  troupe_reply_or_failure result;
  troupe_import_tell(to.ptr, to.len, op.ptr, op.len, payload.ptr, payload.len, &result);
  return result;
}

/* Sends and waits for the answer; `timeout_ms` is 1 to 3,600,000. */
static inline troupe_reply_or_failure troupe_ask(troupe_bytes to, troupe_bytes op, troupe_bytes payload,
                                                 uint32_t timeout_ms) {
  troupe_reply_or_failure result;
  troupe_import_ask(to.ptr, to.len, op.ptr, op.len, payload.ptr, payload.len, timeout_ms, &result);
  return result;
}

/* Hands a message to every subscriber of `topic`; says how many mailboxes took it. */
static inline troupe_published troupe_publish(troupe_bytes topic, troupe_bytes payload) {
  troupe_published result;
  troupe_import_publish(topic.ptr, topic.len, payload.ptr, payload.len, &result);
  return result;
}

/* Name of this actor. */
static inline troupe_bytes troupe_self(void) {
  troupe_bytes name;
  troupe_import_self(&name);
  return name;
}

/* ---- Exports ---------------------------------------------------------------------------------------------------- */

#define TROUPE_HANDLER_EXPORT "troupe:actor/handler@0.1.0#handle"
#define TROUPE_LIFECYCLE_EXPORT "troupe:actor/lifecycle@0.1.0#"

/* Exports `on_message`, a `troupe_answer (*)(const troupe_message *)`, as the handler of this component. */
#define TROUPE_ACTOR(on_message)                                                                                       \
  TROUPE_EXPORT(TROUPE_HANDLER_EXPORT)                                                                                 \
  const troupe_answer *troupe_export_handle(uint32_t delivery, const uint8_t *subject, size_t subject_len,             \
                                            const uint8_t *payload, size_t payload_len, uint32_t has_sender,           \
                                            const uint8_t *sender, size_t sender_len, uint32_t has_remaining_ms,       \
                                            uint32_t remaining_ms) {                                                   \
    troupe_message message = {                                                                                         \
        .delivery = (troupe_delivery)delivery,                                                                         \
        .subject = {subject, subject_len},                                                                             \
        .payload = {payload, payload_len},                                                                             \
        .has_sender = has_sender != 0,                                                                                 \
        .sender = {sender, sender_len},                                                                                \
        .has_remaining_ms = has_remaining_ms != 0,                                                                     \
        .remaining_ms = remaining_ms,                                                                                  \
    };                                                                                                                 \
    static troupe_answer answer;                                                                                       \
    answer = on_message(&message);                                                                                     \
    return &answer;                                                                                                    \
  }                                                                                                                    \
  TROUPE_EXPORT("cabi_post_" TROUPE_HANDLER_EXPORT)                                                                    \
  void troupe_export_handle_done(const troupe_answer *answer) {                                                        \
    (void)answer;                                                                                                      \
    troupe_free_all();                                                                                                 \
  }

/* `result<_, string>`: what `start` and `restore` give back. */
typedef struct {
  uint8_t is_error;
  troupe_bytes message;
} troupe_started;

/* `variant health-status`. */
typedef struct {
  uint8_t status; /* troupe_health_kind */
  troupe_bytes reason;
} troupe_health;

typedef enum { TROUPE_HEALTHY, TROUPE_DEGRADED, TROUPE_UNHEALTHY } troupe_health_kind;

_Static_assert(sizeof(troupe_started) == 12 && sizeof(troupe_health) == 12, "layout of the lifecycle's results");

/* What an actor with a lifecycle implements; see `interface lifecycle` for what is promised. */
typedef struct {
  troupe_started (*start)(troupe_bytes config);
  void (*stop)(void);
  troupe_health (*health)(void);
  troupe_bytes (*snapshot)(void);
  troupe_started (*restore)(troupe_bytes state);
} troupe_lifecycle;

/* Exports the functions of `hooks`, a constant `troupe_lifecycle`. */
#define TROUPE_LIFECYCLE(hooks)                                                                                        \
  TROUPE_EXPORT(TROUPE_LIFECYCLE_EXPORT "start")                                                                       \
  const troupe_started *troupe_export_start(const uint8_t *config, size_t len) {                                       \
    static troupe_started started;                                                                                     \
    started = (hooks).start((troupe_bytes){config, len});                                                              \
    return &started;                                                                                                   \
  }                                                                                                                    \
  TROUPE_EXPORT("cabi_post_" TROUPE_LIFECYCLE_EXPORT "start")                                                          \
  void troupe_export_start_done(const troupe_started *started) {                                                       \
    (void)started;                                                                                                     \
    troupe_free_all();                                                                                                 \
  }                                                                                                                    \
  TROUPE_EXPORT(TROUPE_LIFECYCLE_EXPORT "stop")                                                                        \
  void troupe_export_stop(void) {                                                                                      \
    (hooks).stop();                                                                                                    \
    troupe_free_all();                                                                                                 \
  }                                                                                                                    \
  TROUPE_EXPORT(TROUPE_LIFECYCLE_EXPORT "health")                                                                      \
  const troupe_health *troupe_export_health(void) {                                                                    \
    static troupe_health health;                                                                                       \
    health = (hooks).health();                                                                                         \
    return &health;                                                                                                    \
  }                                                                                                                    \
  TROUPE_EXPORT("cabi_post_" TROUPE_LIFECYCLE_EXPORT "health")                                                         \
  void troupe_export_health_done(const troupe_health *health) {                                                        \
    (void)health;                                                                                                      \
    troupe_free_all();                                                                                                 \
  }                                                                                                                    \
  TROUPE_EXPORT(TROUPE_LIFECYCLE_EXPORT "snapshot")                                                                    \
  const troupe_bytes *troupe_export_snapshot(void) {                                                                   \
    static troupe_bytes state;                                                                                         \
    state = (hooks).snapshot();                                                                                        \
    return &state;                                                                                                     \
  }                                                                                                                    \
  TROUPE_EXPORT("cabi_post_" TROUPE_LIFECYCLE_EXPORT "snapshot")                                                       \
  void troupe_export_snapshot_done(const troupe_bytes *state) {                                                        \
    (void)state;                                                                                                       \
    troupe_free_all();                                                                                                 \
  }                                                                                                                    \
  TROUPE_EXPORT(TROUPE_LIFECYCLE_EXPORT "restore")                                                                     \
  const troupe_started *troupe_export_restore(const uint8_t *state, size_t len) {                                      \
    static troupe_started started;                                                                                     \
    started = (hooks).restore((troupe_bytes){state, len});                                                             \
    return &started;                                                                                                   \
  }                                                                                                                    \
  TROUPE_EXPORT("cabi_post_" TROUPE_LIFECYCLE_EXPORT "restore")                                                        \
  void troupe_export_restore_done(const troupe_started *started) {                                                     \
    (void)started;                                                                                                     \
    troupe_free_all();                                                                                                 \
  }

/* ---- Text ------------------------------------------------------------------------------------------------------- */

/*
 * A writer that grows in the arena: begin, write, take what was written with `troupe_written`. It grows in place as
 * long as nothing else allocates meanwhile.
 */
typedef struct {
  uint8_t *ptr;
  size_t len;
  size_t capacity;
} troupe_writer;

static troupe_writer troupe_begin(size_t capacity) {
  return (troupe_writer){.ptr = troupe_alloc(capacity), .len = 0, .capacity = capacity};
}

static void troupe_write(troupe_writer *writer, troupe_bytes bytes) {
  size_t end = writer->len + bytes.len;
  if (end > writer->capacity) {
    size_t capacity = writer->capacity * 2 > end ? writer->capacity * 2 : end;
    writer->ptr = cabi_realloc(writer->ptr, writer->capacity, 8, capacity);
    writer->capacity = capacity;
  }
  __builtin_memcpy(writer->ptr + writer->len, bytes.ptr, bytes.len);
  writer->len = end;
}

static inline void troupe_write_byte(troupe_writer *writer, uint8_t byte) {
  troupe_write(writer, (troupe_bytes){&byte, 1});
}

/* Decimal digits. */
static void troupe_write_number(troupe_writer *writer, int64_t value) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    digits[--at] = (uint8_t)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0) troupe_write_byte(writer, '-');
  troupe_write(writer, (troupe_bytes){digits + at, sizeof digits - at});
}

/* Four bytes, least significant first. */
static inline void troupe_write_u32(troupe_writer *writer, uint32_t value) {
  troupe_write(writer, (troupe_bytes){(const uint8_t *)&value, 4});
}

static inline troupe_bytes troupe_written(const troupe_writer *writer) {
  return (troupe_bytes){writer->ptr, writer->len};
}

/* Reads a decimal number at the start of `text`; false if there is none. Stops at the first other character. */
static bool troupe_parse_number(troupe_bytes text, int64_t *value) {
  size_t at = 0;
  bool negative = text.len > 0 && text.ptr[0] == '-';
  if (negative) at = 1;
  size_t first = at;
  uint64_t result = 0;
  while (at < text.len && at < first + 18 && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
    result = result * 10 + (text.ptr[at++] - '0');
  }
  *value = negative ? -(int64_t)result : (int64_t)result;
  return at > first;
}

/* Cuts `text` at the first `separator`: returns what stands before it and leaves in `text` what stands after. */
static troupe_bytes troupe_cut(troupe_bytes *text, uint8_t separator) {
  size_t at = 0;
  while (at < text->len && text->ptr[at] != separator) at++;
  troupe_bytes before = {text->ptr, at};
  size_t skip = at < text->len ? at + 1 : at;
  text->ptr += skip;
  text->len -= skip;
  return before;
}

/* Refuses a message whose operation the actor does not know. */
static troupe_answer troupe_refuse_unknown(const troupe_message *message) {
  troupe_writer text = troupe_begin(32 + message->subject.len);
  troupe_write(&text, TROUPE_TEXT("There is no operation \""));
  troupe_write(&text, message->subject);
  troupe_write(&text, TROUPE_TEXT("\""));
  return troupe_refuse(TROUPE_INVALID, TROUPE_TEXT("UNKNOWN_OPERATION"), troupe_written(&text));
}

/*
 * Finds the value of `key` in a flat JSON object, as text: `2`, `"species"`, `true`. Enough for the configuration that
 * `start` gets; not a JSON parser: what looks like the key within a string is taken for it.
 */
static bool troupe_config_value(troupe_bytes config, troupe_bytes key, troupe_bytes *value) {
  for (size_t at = 0; at + key.len + 2 < config.len; at++) {
    const uint8_t *here = config.ptr + at;
    if (here[0] != '"' || memcmp(here + 1, key.ptr, key.len) != 0 || here[key.len + 1] != '"') continue;
    size_t begin = at + key.len + 2;
    while (begin < config.len && (config.ptr[begin] == ':' || config.ptr[begin] == ' ')) begin++;
    size_t end = begin;
    while (end < config.len && config.ptr[end] != ',' && config.ptr[end] != '}') end++;
    *value = (troupe_bytes){config.ptr + begin, end - begin};
    return true;
  }
  return false;
}

#endif
