// A msgpack worker that echoes each task's input: the least cost of a worker. It parses only enough
// MessagePack to skip over a value.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t big_endian(const unsigned char* at, int bytes) {
  size_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

// The end of the value at `at`, or NULL when it is cut off or invalid.
static const unsigned char* skip(const unsigned char* at, const unsigned char* end) {
  size_t left = 1;  // Values still to skip.
  while (left > 0) {
    if (at >= end) return NULL;
    const unsigned char tag = *at++;
    size_t bytes = 0;
    --left;
    if (tag <= 0x7f || tag >= 0xe0 || (tag >= 0xc0 && tag <= 0xc3 && tag != 0xc1)) continue;
    if (tag <= 0x8f)
      left += 2U * (tag & 15U);
    else if (tag <= 0x9f)
      left += tag & 15U;
    else if (tag <= 0xbf)
      bytes = tag & 31U;
    else if (tag >= 0xc4 && tag <= 0xc6) {
      const int width = 1 << (tag - 0xc4);
      if (end - at < width) return NULL;
      bytes = big_endian(at, width);
      at += width;
    } else if (tag == 0xca)
      bytes = 4;
    else if (tag == 0xcb)
      bytes = 8;
    else if (tag >= 0xcc && tag <= 0xcf)
      bytes = (size_t)1 << (tag - 0xcc);
    else if (tag >= 0xd0 && tag <= 0xd3)
      bytes = (size_t)1 << (tag - 0xd0);
    else if (tag >= 0xd9 && tag <= 0xdb) {
      const int width = 1 << (tag - 0xd9);
      if (end - at < width) return NULL;
      bytes = big_endian(at, width);
      at += width;
    } else if (tag >= 0xdc) {
      const int width = tag & 1 ? 4 : 2;
      if (end - at < width) return NULL;
      left += big_endian(at, width) * (tag >= 0xde ? 2U : 1U);
      at += width;
    } else
      return NULL;
    if ((size_t)(end - at) < bytes) return NULL;
    at += bytes;
  }
  return at;
}

static int is(const unsigned char* at, const char* word) {
  const size_t length = strlen(word);
  return at[0] == (0xa0 | length) && memcmp(at + 1, word, length) == 0;
}

static int send_all(const unsigned char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t written = write(1, bytes, count);
    if (written <= 0) return 0;
    bytes += written;
    count -= (size_t)written;
  }
  return 1;
}

static size_t put(unsigned char* out, size_t at, const char* word) {
  const size_t length = strlen(word);
  out[at] = (unsigned char)(0xa0 | length);
  memcpy(out + at + 1, word, length);
  return at + 1 + length;
}

static int finish_frame(unsigned char* out, size_t size) {
  const size_t length = size - 4;
  for (int i = 0; i < 4; ++i) out[i] = (unsigned char)(length >> (24 - 8 * i));
  return send_all(out, size);
}

// Handles one message: answers a task with its input, a ping with a pong.
static int answer(const unsigned char* at, const unsigned char* end, unsigned char* out) {
  const unsigned char *type = NULL, *id = NULL, *input = NULL, *input_end = NULL;
  const unsigned char* id_end = NULL;
  if (at >= end || (*at & 0xf0) != 0x80) return 0;
  for (int members = *at++ & 15; members > 0; --members) {
    const unsigned char* const value = skip(at, end);
    const unsigned char* const next = value ? skip(value, end) : NULL;
    if (!next) return 0;
    if (is(at, "type"))
      type = value;
    else if (is(at, "id"))
      id = value, id_end = next;
    else if (is(at, "input"))
      input = value, input_end = next;
    at = next;
  }
  if (type && is(type, "ping")) {
    out[4] = 0x81;
    return finish_frame(out, put(out, put(out, 5, "type"), "pong"));
  }
  if (!type || !is(type, "task") || !id || !input) return 0;
  out[4] = 0x83;
  size_t size = put(out, put(out, put(out, 5, "type"), "result"), "id");
  memcpy(out + size, id, (size_t)(id_end - id));
  size = put(out, size + (size_t)(id_end - id), "output");
  memcpy(out + size, input, (size_t)(input_end - input));
  return finish_frame(out, size + (size_t)(input_end - input));
}

int main(void) {
  size_t room = 1 << 16, have = 0;
  unsigned char* in = malloc(room);
  unsigned char* out = malloc(room + 64);
  if (!in || !out || !finish_frame(out, (out[4] = 0x81, put(out, put(out, 5, "type"), "ready"))))
    return 1;
  for (;;) {
    const ssize_t count = read(0, in + have, room - have);
    if (count <= 0) return 0;
    have += (size_t)count;
    size_t used = 0;
    while (have - used >= 4) {
      const size_t length = big_endian(in + used, 4);
      if (length > (size_t)16 << 20) return 1;
      if (have - used - 4 < length) {
        if (length + 4 > room) {
          room = length + 4;
          in = realloc(in, room);
          out = realloc(out, room + 64);
          if (!in || !out) return 1;
        }
        break;
      }
      if (!answer(in + used + 4, in + used + 4 + length, out)) return 1;
      used += 4 + length;
    }
    memmove(in, in + used, have - used);
    have -= used;
  }
}
