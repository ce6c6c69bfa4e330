/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - small questions about strings: parse a number, compare, find the nearest word.
 * Promises: no locale, no allocation unless the name says dup; numbers are range checked.
 * Threads: any.
 * Ownership: char * results are the caller's.
 */
#ifndef DUPLOFS_BASE_TEXT_H
#define DUPLOFS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses all of text as a number with up to 9 decimal places, not negative, in billionths up to
 * max. -EINVAL or -ERANGE, *ret untouched. */
int text_parse_nano(const char *text, int64_t max, int64_t *ret);

/* Parses all of text as a decimal number within [min, max]. -EINVAL or -ERANGE, *ret untouched. */
int text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret);

/* Copies text into target, cut to size - 1 bytes; returns false when it was cut. */
bool text_copy(char *target, size_t size, const char *text);

/* True for a DNS label as INTERFACE.md defines names: [a-z]([a-z0-9-]{0,61}[a-z0-9])?. */
bool text_is_label(const char *text);

/* True for valid UTF-8 without NUL. */
bool text_is_utf8(const char *text, size_t len);
/* The same of a text that may go on in the middle of a character. */
bool text_begins_utf8(const char *text, size_t len);

/* Puts "?" in the place of each byte that is not UTF-8, such as half a character at a cut end. */
void text_mend(char *text);

/* Takes an incomplete UTF-8 sequence, which a cut has left, off the end of text. */
void text_trim_utf8(char *text);

/* Whether text is one of words (NULL-terminated). */
bool text_is_one_of(const char *text, const char *const *words);

/* The word of words (NULL-terminated) nearest to text, ignoring case, or NULL when none is near
 * (edit distance above a third of the longer one's length). Borrowed from words. */
const char *text_nearest(const char *text, const char *const *words);

/* FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/): for names, never for secrets. */
uint64_t text_hash(const void *data, size_t len);

/* Fills data with random bytes from getrandom(2); never fails short of a broken kernel (-errno). */
int text_random(void *data, size_t len);

/* printf into new memory; NULL when out of memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
