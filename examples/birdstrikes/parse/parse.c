/*
 * parse: turns batches of CSV into batches of typed records and publishes them.
 *
 * | operation | payload                                      | what it does                                            |
 * | --------- | -------------------------------------------- | ------------------------------------------------------- |
 * | `rows`    | number u32, then CSV with its header line    | publishes the records on `strikes.rows`                 |
 * | `end`     | batches u32, rows u32                        | publishes the same on `strikes.end`                     |
 *
 * What is published on `strikes.rows` (numbers least significant byte first):
 *
 *     number u32 · records u32 · rows that were none u32 · the records, each
 *         year u16 · cost u32 · species text · phase text · state text          text: length u8 · UTF-8
 *
 * The answer says "taken" only when every subscriber's mailbox took the batch (`subscribers` of the configuration says
 * how many there are); otherwise it is the failure `NOT_TAKEN`, and whoever sent the rows sends them again. So a batch
 * may be published twice, and never not at all.
 */
#include "troupe.h"

enum { TEXT_BYTES_MAX = 255, FIELDS_MAX = 64, SUBSCRIBERS_MAX = 1000 };

static uint32_t subscribers = 1;

/* ---- CSV (RFC 4180) --------------------------------------------------------------------------------------------- */

typedef struct {
  troupe_bytes fields[FIELDS_MAX];
  size_t count; /* what is beyond FIELDS_MAX is counted, not kept */
} csv_row;

/* Cuts a quoted field, `text` at its first quote; two quotes within stand for one. */
static troupe_bytes csv_quoted_field(troupe_bytes *text) {
  uint8_t *value = troupe_alloc_aligned(text->len, 1);
  size_t len = 0;
  size_t at = 1;
  while (at < text->len) {
    if (text->ptr[at] == '"') {
      if (at + 1 >= text->len || text->ptr[at + 1] != '"') break;
      at++;
    }
    value[len++] = text->ptr[at++];
  }
  at = at < text->len ? at + 1 : at; /* the closing quote */
  text->ptr += at;
  text->len -= at;
  return (troupe_bytes){value, len};
}

static troupe_bytes csv_plain_field(troupe_bytes *text) {
  size_t at = 0;
  while (at < text->len && text->ptr[at] != ',' && text->ptr[at] != '\n' && text->ptr[at] != '\r') at++;
  troupe_bytes value = {text->ptr, at};
  text->ptr += at;
  text->len -= at;
  return value;
}

/* Reads one row and takes it off `text`; false at the end. */
static bool csv_next(troupe_bytes *text, csv_row *row) {
  if (text->len == 0) return false;
  row->count = 0;
  for (;;) {
    bool quoted = text->len > 0 && text->ptr[0] == '"';
    troupe_bytes field = quoted ? csv_quoted_field(text) : csv_plain_field(text);
    if (row->count < FIELDS_MAX) row->fields[row->count] = field;
    row->count++;
    if (text->len == 0 || text->ptr[0] != ',') break;
    text->ptr++;
    text->len--;
  }
  troupe_cut(text, '\n'); /* the line break, and what may stand behind a closing quote */
  return true;
}

/* ---- Records ---------------------------------------------------------------------------------------------------- */

/* Where the columns are that a record is made of. */
typedef struct {
  size_t width;
  size_t date, cost, species, phase, state;
} columns;

static bool find_column(const csv_row *header, troupe_bytes name, size_t *column) {
  for (size_t i = 0; i < header->count && i < FIELDS_MAX; i++) {
    if (troupe_equal(header->fields[i], name)) {
      *column = i;
      return true;
    }
  }
  return false;
}

static bool find_columns(const csv_row *header, columns *found) {
  found->width = header->count;
  return find_column(header, TROUPE_TEXT("Flight Date"), &found->date) &&
         find_column(header, TROUPE_TEXT("Cost Total $"), &found->cost) &&
         find_column(header, TROUPE_TEXT("Wildlife Species"), &found->species) &&
         find_column(header, TROUPE_TEXT("Phase of flight"), &found->phase) &&
         find_column(header, TROUPE_TEXT("Origin State"), &found->state);
}

/* Longer texts are cut, between two characters. */
static void write_text(troupe_writer *out, troupe_bytes text) {
  size_t len = text.len;
  if (len > TEXT_BYTES_MAX) {
    len = TEXT_BYTES_MAX;
    while (len > 0 && (text.ptr[len] & 0xc0) == 0x80) len--;
  }
  troupe_write_byte(out, (uint8_t)len);
  troupe_write(out, (troupe_bytes){text.ptr, len});
}

/* Writes the record of one row; false, and nothing written, if the row is none. */
static bool write_record(troupe_writer *out, const csv_row *row, const columns *at) {
  int64_t year, cost;
  if (row->count != at->width || row->count > FIELDS_MAX) return false;
  if (!troupe_parse_number(row->fields[at->date], &year) || year < 0 || year > UINT16_MAX) return false;
  if (!troupe_parse_number(row->fields[at->cost], &cost) || cost < 0 || cost > UINT32_MAX) return false;
  troupe_write_byte(out, (uint8_t)year);
  troupe_write_byte(out, (uint8_t)(year >> 8));
  troupe_write_u32(out, (uint32_t)cost);
  write_text(out, row->fields[at->species]);
  write_text(out, row->fields[at->phase]);
  write_text(out, row->fields[at->state]);
  return true;
}

/* ---- Operations ------------------------------------------------------------------------------------------------- */

static troupe_answer publish(troupe_bytes topic, troupe_bytes payload) {
  troupe_published published = troupe_publish(topic, payload);
  if (published.is_failure) return troupe_fail(published.failure);
  if (published.taken_by < subscribers) {
    return troupe_refuse(TROUPE_OVERLOAD, TROUPE_TEXT("NOT_TAKEN"), TROUPE_TEXT("Not every subscriber took the batch"));
  }
  return troupe_reply(TROUPE_TEXT("taken"));
}

static troupe_answer parse_rows(troupe_bytes payload) {
  if (payload.len < 4) {
    return troupe_refuse(TROUPE_INVALID, TROUPE_TEXT("BAD_BATCH"), TROUPE_TEXT("A batch begins with its number"));
  }
  troupe_bytes text = {payload.ptr + 4, payload.len - 4};
  static csv_row row;
  columns at;
  if (!csv_next(&text, &row) || !find_columns(&row, &at)) {
    return troupe_refuse(TROUPE_INVALID, TROUPE_TEXT("MISSING_COLUMN"), TROUPE_TEXT("The header line lacks a column"));
  }

  troupe_bytes number = {payload.ptr, 4};
  uint32_t records = 0, rejected = 0;
  /* A record is never longer than its row and six bytes, so this grows seldom. */
  troupe_writer out = troupe_begin(payload.len + 1024);
  troupe_write(&out, number);
  troupe_write_u32(&out, 0);
  troupe_write_u32(&out, 0);
  while (csv_next(&text, &row)) {
    if (write_record(&out, &row, &at)) records++;
    else rejected++;
  }
  __builtin_memcpy(out.ptr + 4, &records, 4);
  __builtin_memcpy(out.ptr + 8, &rejected, 4);
  return publish(TROUPE_TEXT("strikes.rows"), troupe_written(&out));
}

static troupe_answer handle(const troupe_message *message) {
  if (troupe_equal(message->subject, TROUPE_TEXT("rows"))) return parse_rows(message->payload);
  if (troupe_equal(message->subject, TROUPE_TEXT("end"))) return publish(TROUPE_TEXT("strikes.end"), message->payload);
  return troupe_refuse_unknown(message);
}

/* ---- Lifecycle -------------------------------------------------------------------------------------------------- */

/* Configuration: `{"subscribers":2}`. */
static troupe_started start(troupe_bytes config) {
  troupe_bytes given;
  if (troupe_config_value(config, TROUPE_TEXT("subscribers"), &given)) {
    int64_t value;
    if (!troupe_parse_number(given, &value) || value < 1 || value > SUBSCRIBERS_MAX) {
      return (troupe_started){.is_error = 1, .message = TROUPE_TEXT("\"subscribers\" must be a number from 1 to 1000")};
    }
    subscribers = (uint32_t)value;
  }
  return (troupe_started){.is_error = 0};
}

static void stop(void) {}

static troupe_health health(void) {
  return (troupe_health){.status = TROUPE_HEALTHY};
}

/* Between two batches there is nothing to remember but the configuration. */
static troupe_bytes snapshot(void) {
  return (troupe_bytes){(const uint8_t *)&subscribers, sizeof subscribers};
}

static troupe_started restore(troupe_bytes state) {
  if (state.len != sizeof subscribers) {
    return (troupe_started){.is_error = 1, .message = TROUPE_TEXT("Not a snapshot of this component")};
  }
  __builtin_memcpy(&subscribers, state.ptr, sizeof subscribers);
  return (troupe_started){.is_error = 0};
}

static const troupe_lifecycle HOOKS = {start, stop, health, snapshot, restore};

TROUPE_ACTOR(handle)
TROUPE_LIFECYCLE(HOOKS)
