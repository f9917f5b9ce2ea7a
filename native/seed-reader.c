/*
 * seed-reader SEED OUT: reads the seed of a tiny system and writes it down so that a shell applies it without parsing.
 *
 * SEED is the folder that holds `user-data`, `meta-data` and `network-config` (each may be missing). OUT is made, with
 * mode 0700; it must not exist. docs/tiny-seed.md says which keys are in the subset, src/seeds/tiny checks the same
 * rules before a device sees the seed.
 *
 * Every file below is there only where the seed says something about it. Text files end in a newline. No value holds
 * a control character, so that `read -r` takes each line as it is.
 *
 *   OUT/instance-id        one line
 *   OUT/hostname           one line, one label: "gate-7"
 *   OUT/fqdn               one line, only where the seed gives a domain: "gate-7.example.org"
 *   OUT/authorized_keys    a key a line, for root; mode 0600
 *   OUT/timezone           one line, the value of TZ for musl: "UTC0", "<+03>-3"
 *   OUT/ntp                a server a line; an EMPTY file says that time is not to be fetched; no file: the default
 *   OUT/bootcmd            a script for /bin/sh, mode 0700: run at each boot, before OUT/files are copied
 *   OUT/runcmd             the same: run at each boot, last
 *   OUT/files/N            the content of a file; N is 0, 1, 2 … in the order in which they are written
 *   OUT/files.list         a line for each: N MODE HOW PATH. MODE is four octal digits, HOW is "write" or "append",
 *                          PATH is the rest of the line: absolute, may hold blanks, has no "..". The folders above it
 *                          are made with 0755, owner root:root.
 *                            while read -r n mode how path; do …; done <files.list
 *   OUT/network/           a folder where the seed has a network configuration; without it every Ethernet interface
 *                          asks for an address by DHCP (cloud-init's fallback). Empty: only lo is brought up.
 *   OUT/network/N          one for each entry of `ethernets`, N is 00, 01, 02 …: first its `match` lines, then what to
 *                          do to each interface that all of them match. A word, a blank, values:
 *                            match name GLOB        shell pattern for the name: "eth0", "e*"
 *                            match mac MAC          aa:bb:cc:dd:ee:ff, lower case
 *                            mtu BYTES
 *                            address ADDRESS/BITS   IPv4 or IPv6; any number of them
 *                            dhcp                   IPv4, for the life of the system
 *                            route NET/BITS VIA     IPv4 or IPv6; after the addresses
 *                            gateway VIA            the default route, IPv4 or IPv6; after the addresses
 *                            dns ADDRESS            a name server; any number
 *                            search DOMAIN          a search domain; any number
 *
 * standard output: nothing. standard error: one line for each thing of the seed that this system cannot do or that is
 * wrong: "reswarm: error CODE FILE:LINE:COLUMN: TEXT", CODE one of
 *   seed-text    the file is not UTF-8 text, or too large
 *   seed-yaml    the file is not YAML as cloud-init reads it
 *   seed-key     a key outside of the subset
 *   seed-value   a value outside of the subset
 * Such a thing is left out and all else is written, because a device that cannot be reached is worse than one that
 * lacks a file: `runcmd` and `bootcmd` are left out as a whole when one command is wrong, an entry of `write_files` as
 * a whole, of `ethernets` only the key. `build`, `inject` and `seed check` refuse the seed before it comes to this.
 *
 * Exit code 0: the whole seed is in OUT. 1: OUT holds what was right, see standard error. 2: OUT could not be written
 * ("reswarm: error seed-output TEXT"), OUT may be incomplete. 3: there is no seed in SEED, OUT is not made.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* Limits, the same as in src/seeds/tiny. A seed of a person is far below them; they keep 32 MB of memory free. */
enum {
	USER_DATA_LIMIT = 1024 * 1024,
	OTHER_LIMIT = 64 * 1024,
	OUTPUT_LIMIT = 4 * 1024 * 1024, /* bytes of scripts and files together: aliases may repeat what is long */
	NODE_LIMIT = 20000,
	DEPTH_LIMIT = 64,
	ANCHOR_LIMIT = 256,
	VALUE_LIMIT = 40000, /* read in all; aliases count each time */
	KEY_LIMIT = 256, /* keys of one mapping */
	ETHERNET_LIMIT = 64,
	NAME_LIMIT = 64,
	SSH_KEYS_LIMIT = 256,
	SSH_KEY_LIMIT = 4000, /* dropbear reads lines of up to 4200 bytes */
	REPORT_LIMIT = 20,
};

enum { EXIT_REFUSED = 1, EXIT_OUTPUT = 2, EXIT_NO_SEED = 3 };

/* ---------------------------------------------------------------------------------------------------- reports */

static const char *current_file = "";
static size_t report_count;

/* One line on standard error; what a terminal would act on is shown as "?". Lines and columns count from 1. */
__attribute__((format(printf, 4, 5))) static void report(const char *code, size_t line, size_t column,
                                                          const char *format, ...)
{
	report_count += 1;
	if (report_count > REPORT_LIMIT) return;
	char text[400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (char *c = text; *c != '\0'; c += 1) {
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) *c = '?';
	}
	fprintf(stderr, "reswarm: error %s %s:%zu:%zu: %s\n", code, current_file, line, column, text);
}

__attribute__((format(printf, 1, 2), noreturn)) static void output_failed(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("reswarm: error seed-output ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\n", stderr);
	va_end(arguments);
	exit(EXIT_OUTPUT);
}

/* ----------------------------------------------------------------------------------------------------- memory */

/* All memory is kept until the end, in one chain. */
static union chunk {
	union chunk *next;
	max_align_t align;
} *chunks;

static void *take(size_t size)
{
	union chunk *chunk = calloc(1, sizeof *chunk + size);
	if (chunk == NULL) output_failed("no memory is left");
	chunk->next = chunks;
	chunks = chunk;
	return chunk + 1;
}

/* Bytes that grow; `bytes` ends in a zero that `length` does not count. */
typedef struct {
	char *bytes;
	size_t length, capacity;
} buffer;

static void append(buffer *to, const char *bytes, size_t length)
{
	if (to->length + length + 1 > to->capacity) {
		size_t capacity = (to->length + length + 1) * 2;
		char *grown = take(capacity);
		if (to->length > 0) memcpy(grown, to->bytes, to->length);
		to->bytes = grown;
		to->capacity = capacity;
	}
	if (length > 0) memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
	to->bytes[to->length] = '\0';
}

static void append_text(buffer *to, const char *text)
{
	append(to, text, strlen(text));
}

/* "WORD VALUE\n"; the word may be empty. */
static void append_line(buffer *to, const char *word, const char *value)
{
	append_text(to, word);
	if (*word != '\0') append_text(to, " ");
	append_text(to, value);
	append_text(to, "\n");
}

static bool has_line(const buffer *lines, const char *line)
{
	size_t length = strlen(line);
	for (size_t start = 0; start < lines->length;) {
		const char *end = memchr(lines->bytes + start, '\n', lines->length - start);
		size_t found = (size_t)(end - (lines->bytes + start));
		if (found == length && memcmp(lines->bytes + start, line, length) == 0) return true;
		start += found + 1;
	}
	return false;
}

/* ----------------------------------------------------------------------------------------------- texts of files */

/* The number of bytes of the UTF-8 character at `at`, 0 when it is none; overlong forms and surrogates are none. */
static size_t read_character(const unsigned char *at, size_t left, unsigned *character)
{
	unsigned first = at[0];
	size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	if (size == 0 || size > left) return 0;
	unsigned value = size == 1 ? first : first & (0x7fu >> size);
	for (size_t index = 1; index < size; index += 1) {
		if ((at[index] & 0xc0) != 0x80) return 0;
		value = value << 6 | (at[index] & 0x3fu);
	}
	if (size == 3 && (value < 0x800 || (value >= 0xd800 && value < 0xe000))) return 0;
	if (size == 4 && (value < 0x10000 || value > 0x10ffff)) return 0;
	*character = value;
	return size;
}

/* Characters that PyYAML or libyaml refuses, that only one of them takes for a line end, or that nobody sees. */
static bool is_foreign(unsigned c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
	       c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static bool is_plain_text(const buffer *text)
{
	size_t line = 1, column = 1, size;
	for (size_t index = 0; index < text->length; index += size) {
		unsigned character = 0;
		size = read_character((const unsigned char *)text->bytes + index, text->length - index, &character);
		if (size == 0) {
			report("seed-text", line, column, "this is not UTF-8 text");
			return false;
		}
		if (is_foreign(character)) {
			report("seed-text", line, column, "the character U+%04X must not stand here", character);
			return false;
		}
		column += 1;
		if (character == '\n') {
			line += 1;
			column = 1;
		}
	}
	return true;
}

/* Whether SEED holds the file; *text is NULL where it cannot be used. Sets current_file. */
static bool read_file(int folder, const char *name, size_t limit, buffer **text)
{
	*text = NULL;
	current_file = name;
	int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0 && (errno == ENOENT || errno == ENOTDIR)) return false;
	struct stat info;
	if (file < 0 || fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
		report("seed-text", 1, 1, "the file cannot be read");
		if (file >= 0) close(file);
		return true;
	}
	buffer *content = take(sizeof *content);
	char part[4096];
	ssize_t count;
	while ((count = read(file, part, sizeof part)) > 0 && content->length <= limit) append(content, part, (size_t)count);
	close(file);
	if (count < 0) report("seed-text", 1, 1, "the file cannot be read: %s", strerror(errno));
	else if (content->length > limit) report("seed-text", 1, 1, "the file is larger than %zu bytes", limit);
	else if (is_plain_text(content)) *text = content;
	if (*text != NULL) append(content, "", 0);
	return true;
}

/* ------------------------------------------------------------------------------------- scalars as PyYAML reads them */

typedef enum { IS_TEXT, IS_NULL, IS_BOOL, IS_INT, IS_FLOAT, IS_DATE, IS_FAULT } scalar_kind;

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words += 1) {
		if (strcmp(text, *words) == 0) return true;
	}
	return false;
}

static const char *const NULLS[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const TRUTHS[] = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
static const char *const UNTRUTHS[] = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
static const char *const INFINITIES[] = {".inf", ".Inf", ".INF", NULL};
static const char *const NANS[] = {".nan", ".NaN", ".NAN", NULL};

static const char DIGITS[] = "0123456789";
static const char DIGITS_AND_LINE[] = "0123456789_";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *after_sign(const char *text)
{
	return *text == '-' || *text == '+' ? text + 1 : text;
}

/* After any number (at least one) of ":" and 0 to 59; NULL where there is none. */
static const char *after_sixties(const char *at)
{
	const char *end = NULL;
	while (*at == ':' && is_digit(at[1])) {
		at += at[1] <= '5' && is_digit(at[2]) ? 3 : 2;
		end = at;
	}
	return end;
}

static bool is_int(const char *text, bool *has_digits)
{
	const char *number = after_sign(text);
	*has_digits = true;
	if (number[0] == '0' && (number[1] == 'b' || number[1] == 'x')) {
		const char *digits = number[1] == 'b' ? "01_" : "0123456789abcdefABCDEF_";
		size_t count = strspn(number + 2, digits);
		*has_digits = strspn(number + 2, "_") < count;
		return count > 0 && number[2 + count] == '\0';
	}
	if (number[0] == '0') return number[1 + strspn(number + 1, "01234567_")] == '\0';
	if (!is_digit(number[0])) return false;
	const char *end = number + strspn(number, DIGITS_AND_LINE);
	const char *sixties = after_sixties(end);
	return *end == '\0' || (sixties != NULL && *sixties == '\0');
}

static const char *after_exponent(const char *at)
{
	if ((*at != 'e' && *at != 'E') || (at[1] != '-' && at[1] != '+') || !is_digit(at[2])) return at;
	return at + 2 + strspn(at + 2, DIGITS);
}

static bool is_float(const char *text)
{
	const char *number = after_sign(text);
	if (is_one_of(number, INFINITIES) || is_one_of(text, NANS)) return true;
	if (text[0] == '.' && is_digit(text[1])) return *after_exponent(text + 1 + strspn(text + 1, DIGITS_AND_LINE)) == '\0';
	if (!is_digit(number[0])) return false;
	const char *end = number + strspn(number, DIGITS_AND_LINE);
	const char *sixties = after_sixties(end);
	if (sixties != NULL) return *sixties == '.' && sixties[1 + strspn(sixties + 1, DIGITS_AND_LINE)] == '\0';
	return *end == '.' && *after_exponent(end + 1 + strspn(end + 1, DIGITS_AND_LINE)) == '\0';
}

/* Reads `least` to `most` digits; -1 where there are fewer. */
static int read_digits(const char **at, int least, int most)
{
	int value = 0, count = 0;
	for (; count < most && is_digit(**at); count += 1, *at += 1) value = value * 10 + (**at - '0');
	return count < least ? -1 : value;
}

static bool is_day(int year, int month, int day)
{
	static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (year < 1 || month < 1 || month > 12 || day < 1) return false;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= DAYS[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/* "+02", "-05:30", "Z" or nothing, up to the end of the text; *minutes is the size of the offset. */
static bool is_zone(const char *at, int *minutes)
{
	at += strspn(at, " \t");
	*minutes = 0;
	if (*at == 'Z') return at[1] == '\0';
	if (*at == '\0') return true;
	if (*at != '-' && *at != '+') return false;
	at += 1;
	int hours = read_digits(&at, 1, 2), rest = 0;
	if (hours < 0) return false;
	if (*at == ':') {
		at += 1;
		rest = read_digits(&at, 2, 2);
		if (rest < 0) return false;
	}
	*minutes = hours * 60 + rest;
	return *at == '\0';
}

/* Whether it has the form of a date or a time; *exists tells whether there is such a one. */
static bool is_date(const char *text, bool *exists)
{
	const char *at = text;
	int year = read_digits(&at, 4, 4);
	if (year < 0 || *at++ != '-') return false;
	const char *month_start = at;
	int month = read_digits(&at, 1, 2);
	size_t month_digits = (size_t)(at - month_start);
	if (month < 0 || *at++ != '-') return false;
	const char *day_start = at;
	int day = read_digits(&at, 1, 2);
	if (day < 0) return false;
	*exists = is_day(year, month, day);
	if (*at == '\0') return month_digits == 2 && at - day_start == 2;
	if (*at == 'T' || *at == 't') at += 1;
	else if (*at == ' ' || *at == '\t') at += strspn(at, " \t");
	else return false;
	int hour = read_digits(&at, 1, 2);
	if (hour < 0 || *at++ != ':') return false;
	int minute = read_digits(&at, 2, 2);
	if (minute < 0 || *at++ != ':') return false;
	int second = read_digits(&at, 2, 2);
	if (second < 0) return false;
	if (*at == '.') at += 1 + strspn(at + 1, DIGITS);
	/* Blanks at the end without a zone are not part of a plain scalar, and not of a time. */
	if ((*at == ' ' || *at == '\t') && at[strspn(at, " \t")] == '\0') return false;
	int offset_minutes;
	if (!is_zone(at, &offset_minutes)) return false;
	if (hour > 23 || minute > 59 || second > 59 || offset_minutes >= 24 * 60) *exists = false;
	return true;
}

/* What a plain scalar is to yaml/resolver.py and yaml/constructor.py of PyYAML 6. */
static scalar_kind kind_of_plain(const char *text)
{
	bool is_whole;
	if (is_one_of(text, TRUTHS) || is_one_of(text, UNTRUTHS)) return IS_BOOL;
	if (is_float(text)) return IS_FLOAT;
	if (is_int(text, &is_whole)) return is_whole ? IS_INT : IS_FAULT;
	if (is_one_of(text, NULLS)) return IS_NULL;
	if (strcmp(text, "=") == 0 || strcmp(text, "<<") == 0) return IS_FAULT;
	if (is_date(text, &is_whole)) return is_whole ? IS_DATE : IS_FAULT;
	return IS_TEXT;
}

/* ------------------------------------------------------------------------------------------------ YAML documents */

typedef struct node {
	enum { SCALAR, SEQUENCE, MAPPING } type;
	scalar_kind kind; /* of a scalar; IS_TEXT for all that is quoted */
	bool is_plain;
	size_t line, column;
	char *text; /* of a scalar; `length` bytes and a zero */
	size_t length;
	struct node **items; /* of a mapping: key, value, key, value … */
	size_t count, capacity;
} node;

typedef struct {
	yaml_parser_t parser;
	node *open[DEPTH_LIMIT];
	size_t depth, nodes;
	struct {
		char *name;
		node *value;
	} anchors[ANCHOR_LIMIT];
	size_t anchor_count;
	/* Quoted and block scalars as [start, end) in characters: a tab may stand in them. */
	size_t (*kept)[2];
	size_t kept_count, kept_capacity;
	node *root;
} composer;

static bool broken(const yaml_event_t *event, const char *message)
{
	report("seed-yaml", event->start_mark.line + 1, event->start_mark.column + 1, "%s", message);
	return false;
}

/* PyYAML takes the last of two equal keys and says nothing. */
static bool has_right_keys(const node *mapping)
{
	if (mapping->count / 2 > KEY_LIMIT) {
		report("seed-yaml", mapping->line, mapping->column, "this mapping has more than %d keys", KEY_LIMIT);
		return false;
	}
	for (size_t index = 0; index < mapping->count; index += 2) {
		const node *key = mapping->items[index];
		if (key->type != SCALAR || key->kind != IS_TEXT) {
			report("seed-yaml", key->line, key->column, "a key must be text");
			return false;
		}
		for (size_t other = 0; other < index; other += 2) {
			const node *before = mapping->items[other];
			if (before->length != key->length || memcmp(before->text, key->text, key->length) != 0) continue;
			report("seed-yaml", key->line, key->column, "the key \"%s\" is there twice", key->text);
			return false;
		}
	}
	return true;
}

static bool is_key_next(const composer *self)
{
	if (self->depth == 0) return false;
	const node *holder = self->open[self->depth - 1];
	return holder->type == MAPPING && holder->count % 2 == 0;
}

static bool add_node(composer *self, const yaml_event_t *event, node *value)
{
	self->nodes += 1;
	if (self->nodes > NODE_LIMIT) return broken(event, "the file holds too many values");
	if (self->depth == 0) {
		self->root = value;
		return true;
	}
	node *holder = self->open[self->depth - 1];
	if (holder->count == holder->capacity) {
		size_t capacity = holder->capacity * 2 + 4;
		node **grown = take(capacity * sizeof *grown);
		if (holder->count > 0) memcpy(grown, holder->items, holder->count * sizeof *grown);
		holder->items = grown;
		holder->capacity = capacity;
	}
	holder->items[holder->count] = value;
	holder->count += 1;
	return true;
}

static bool remember(composer *self, const yaml_event_t *event, const yaml_char_t *name, node *value)
{
	if (name == NULL) return true;
	if (self->anchor_count == ANCHOR_LIMIT) return broken(event, "the file holds too many anchors");
	for (size_t index = 0; index < self->anchor_count; index += 1) {
		if (strcmp(self->anchors[index].name, (const char *)name) == 0) return broken(event, "this anchor is there twice");
	}
	size_t size = strlen((const char *)name) + 1;
	self->anchors[self->anchor_count].name = memcpy(take(size), name, size);
	self->anchors[self->anchor_count].value = value;
	self->anchor_count += 1;
	return true;
}

static node *new_node(const yaml_event_t *event, int type)
{
	node *made = take(sizeof *made);
	made->type = type;
	made->line = event->start_mark.line + 1;
	made->column = event->start_mark.column + 1;
	return made;
}

static bool open_collection(composer *self, const yaml_event_t *event, int type, const yaml_char_t *anchor,
                            const yaml_char_t *tag)
{
	if (tag != NULL) return broken(event, "tags (\"!…\") are not known here");
	if (is_key_next(self)) return broken(event, "a key must be text");
	if (self->depth == DEPTH_LIMIT) return broken(event, "this is nested too deep");
	node *made = new_node(event, type);
	if (!remember(self, event, anchor, made) || !add_node(self, event, made)) return false;
	self->open[self->depth] = made;
	self->depth += 1;
	return true;
}

static void keep(composer *self, const yaml_event_t *event)
{
	if (self->kept_count == self->kept_capacity) {
		size_t capacity = self->kept_capacity * 2 + 16;
		size_t(*grown)[2] = take(capacity * sizeof *grown);
		if (self->kept_count > 0) memcpy(grown, self->kept, self->kept_count * sizeof *grown);
		self->kept = grown;
		self->kept_capacity = capacity;
	}
	self->kept[self->kept_count][0] = event->start_mark.index;
	self->kept[self->kept_count][1] = event->end_mark.index;
	self->kept_count += 1;
}

static bool add_scalar(composer *self, const yaml_event_t *event)
{
	if (event->data.scalar.tag != NULL) return broken(event, "tags (\"!…\") are not known here");
	node *made = new_node(event, SCALAR);
	made->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	made->length = event->data.scalar.length;
	made->text = take(made->length + 1);
	memcpy(made->text, event->data.scalar.value, made->length);
	made->kind = made->is_plain ? kind_of_plain(made->text) : IS_TEXT;
	if (!made->is_plain) keep(self, event);
	if (made->kind == IS_FAULT) return broken(event, "this value must be in quotes");
	return remember(self, event, event->data.scalar.anchor, made) && add_node(self, event, made);
}

static bool add_alias(composer *self, const yaml_event_t *event)
{
	if (is_key_next(self)) return broken(event, "a key must be written out");
	for (size_t index = 0; index < self->anchor_count; index += 1) {
		if (strcmp(self->anchors[index].name, (const char *)event->data.alias.anchor) == 0)
			return add_node(self, event, self->anchors[index].value);
	}
	return broken(event, "there is no such anchor above");
}

static bool add_event(composer *self, const yaml_event_t *event, size_t *documents)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		*documents += 1;
		if (*documents > 1) return broken(event, "a second YAML document begins here");
		if (event->data.document_start.version_directive != NULL ||
		    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
			return broken(event, "YAML directives (\"%\") are not known here");
		return true;
	case YAML_ALIAS_EVENT:
		return add_alias(self, event);
	case YAML_SCALAR_EVENT:
		return add_scalar(self, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(self, event, SEQUENCE, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(self, event, MAPPING, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		self->depth -= 1;
		return event->type == YAML_SEQUENCE_END_EVENT || has_right_keys(self->open[self->depth]);
	default:
		return true;
	}
}

/* PyYAML takes no tab between words, libyaml does. */
static bool has_no_tab(const composer *self, const buffer *text)
{
	size_t kept = 0, character = 0, line = 1, column = 1, size;
	bool is_comment = false;
	char before = '\n';
	for (size_t index = 0; index < text->length; index += size, character += 1, column += 1) {
		unsigned value = 0;
		size = read_character((const unsigned char *)text->bytes + index, text->length - index, &value);
		char c = text->bytes[index];
		while (kept < self->kept_count && character >= self->kept[kept][1]) kept += 1;
		bool is_kept = kept < self->kept_count && character >= self->kept[kept][0];
		if (c == '\n' || c == '\r') is_comment = false;
		else if (!is_kept && c == '#' && is_blank(before)) is_comment = true;
		else if (!is_kept && !is_comment && c == '\t') {
			report("seed-yaml", line, column, "a tab stands between words");
			return false;
		}
		before = c;
		if (c == '\n') {
			line += 1;
			column = 0;
		}
	}
	return true;
}

/* The document of a text; NULL where it is empty or, after a report, wrong (*is_right tells). */
static node *read_yaml(const buffer *text, bool *is_right)
{
	composer *self = take(sizeof *self);
	size_t documents = 0;
	if (!yaml_parser_initialize(&self->parser)) output_failed("no memory is left");
	yaml_parser_set_encoding(&self->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&self->parser, (const unsigned char *)text->bytes, text->length);
	*is_right = true;
	for (bool is_end = false; *is_right && !is_end;) {
		yaml_event_t event;
		if (!yaml_parser_parse(&self->parser, &event)) {
			const yaml_mark_t *mark = &self->parser.problem_mark;
			report("seed-yaml", mark->line + 1, mark->column + 1, "this is not valid YAML: %s",
			       self->parser.problem == NULL ? "unknown" : self->parser.problem);
			*is_right = false;
			break;
		}
		is_end = event.type == YAML_STREAM_END_EVENT;
		*is_right = add_event(self, &event, &documents);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&self->parser);
	if (*is_right) *is_right = has_no_tab(self, text);
	return *is_right ? self->root : NULL;
}

/* -------------------------------------------------------------------------------------------- values of documents */

/* One place of the seed: the value, what it is called in reports, and where it goes. */
typedef struct {
	const node *value;
	const char *name;
	void *into;
} place;

__attribute__((format(printf, 2, 3))) static void refuse(place at, const char *format, ...)
{
	char text[300];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	report("seed-value", at.value->line, at.value->column, "\"%s\" %s", at.name, text);
}

/* NULL, after a report, where it is no text. A text may hold zeros; see is_line. */
static const char *text_of(place at)
{
	if (at.value->type == SCALAR && at.value->kind == IS_TEXT) return at.value->text;
	refuse(at, "must be text (in quotes, where it looks like something else)");
	return NULL;
}

static bool is_line(const node *value)
{
	for (size_t index = 0; index < value->length; index += 1) {
		unsigned char c = (unsigned char)value->text[index];
		if (c < 0x20 || c == 0x7f) return false;
	}
	return true;
}

/* Text on one line that is not empty. */
static const char *line_of(place at)
{
	const char *text = text_of(at);
	if (text == NULL || (text[0] != '\0' && is_line(at.value))) return text;
	refuse(at, "must be one line of text");
	return NULL;
}

/* 0, 1 or, after a report, -1. */
static int truth_of(place at)
{
	if (at.value->type == SCALAR && at.value->kind == IS_BOOL) return is_one_of(at.value->text, TRUTHS);
	refuse(at, "must be true or false");
	return -1;
}

static bool is_decimal(const char *text)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	size_t length = strlen(digits);
	if (length == 0 || length > 18 || strspn(digits, DIGITS) != length) return false;
	return digits[0] != '0' || strcmp(text, "0") == 0;
}

/* A number in decimal digits without a sign; -1, after a report, for anything else and what is not in the range. */
static long number_of(place at, long least, long most)
{
	const node *value = at.value;
	if (value->type == SCALAR && value->is_plain && is_decimal(value->text) && value->length <= 9) {
		long number = strtol(value->text, NULL, 10);
		if (number >= least && number <= most) return number;
	}
	refuse(at, "must be a number from %ld to %ld", least, most);
	return -1;
}

static bool is_type(place at, int type)
{
	if ((int)at.value->type == type) return true;
	refuse(at, type == SEQUENCE ? "must be a list" : "must be a mapping");
	return false;
}

/* Counts values over all files; false, after one report, where aliases have made them too many. */
static bool may_read(place at, size_t count)
{
	static size_t values;
	size_t before = values;
	values += count;
	if (before <= VALUE_LIMIT && values > VALUE_LIMIT) refuse(at, "makes more than %d values of the seed", VALUE_LIMIT);
	return values <= VALUE_LIMIT;
}

/* Calls `each` for the items of a list. */
static void read_list(place at, void (*each)(place))
{
	if (!is_type(at, SEQUENCE) || !may_read(at, at.value->count)) return;
	for (size_t index = 0; index < at.value->count; index += 1) each((place){at.value->items[index], at.name, at.into});
}

typedef struct {
	const char *key;
	void (*read)(place);
} field;

static bool key_is(const node *key, const char *name)
{
	return key->length == strlen(name) && memcmp(key->text, name, key->length) == 0;
}

static const node *value_of(const node *mapping, const char *key)
{
	for (size_t index = 0; mapping->type == MAPPING && index < mapping->count; index += 2) {
		if (key_is(mapping->items[index], key)) return mapping->items[index + 1];
	}
	return NULL;
}

/* Hands each value of a mapping to the reader of its key; other keys are reported. `fields` ends in a NULL. */
static void read_fields(place at, const field *fields, void *into)
{
	if (!is_type(at, MAPPING) || !may_read(at, at.value->count / 2)) return;
	for (size_t index = 0; index < at.value->count; index += 2) {
		const node *key = at.value->items[index];
		const field *found = fields;
		while (found->key != NULL && !key_is(key, found->key)) found += 1;
		if (found->key != NULL) found->read((place){at.value->items[index + 1], found->key, into});
		else report("seed-key", key->line, key->column, "this system does not know \"%s\" in %s", key->text, at.name);
	}
}

static void must_be_false(place at)
{
	if (truth_of(at) == 1) refuse(at, "can only be false on this system");
}

/* ------------------------------------------------------------------------------------------------- names and addresses */

static bool is_label(const char *label, size_t length)
{
	if (length < 1 || length > 63 || label[0] == '-' || label[length - 1] == '-') return false;
	for (size_t index = 0; index < length; index += 1) {
		char c = label[index];
		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-') return false;
	}
	return true;
}

/* RFC 1123, with a domain or without; digits alone would be taken for an address. */
static bool is_host_name(const node *value)
{
	const char *text = value->text;
	if (value->length == 0 || value->length > 253 || strlen(text) != value->length) return false;
	if (strspn(text, "0123456789.") == value->length) return false;
	for (;;) {
		size_t length = strcspn(text, ".");
		if (!is_label(text, length)) return false;
		if (text[length] == '\0') return true;
		text += length + 1;
	}
}

/* 4, 6 or, for what is no address, 0. The bytes, four or sixteen, are in network order. */
static int address_version(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1) return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 6 : 0;
}

/* The same for "ADDRESS/BITS"; BITS from `least` on. */
static int network_version(const node *value, int least, unsigned char bytes[16], int *bits)
{
	char address[64];
	const char *slash = strchr(value->text, '/');
	if (slash == NULL || (size_t)(slash - value->text) >= sizeof address || strlen(value->text) != value->length) return 0;
	memcpy(address, value->text, (size_t)(slash - value->text));
	address[slash - value->text] = '\0';
	int version = address_version(address, bytes);
	size_t digits = strspn(slash + 1, DIGITS);
	if (version == 0 || digits < 1 || digits > 3 || slash[1 + digits] != '\0') return 0;
	*bits = atoi(slash + 1);
	return *bits >= least && *bits <= (version == 4 ? 32 : 128) ? version : 0;
}

static int version_of(const node *value)
{
	unsigned char bytes[16];
	return strlen(value->text) == value->length ? address_version(value->text, bytes) : 0;
}

/* ---------------------------------------------------------------------------------------------------- the seed itself */

typedef struct {
	const char *path, *how;
	long mode;
	const char *bytes;
	size_t length;
} written_file;

static struct {
	const char *instance_id;
	const char *hostname, *fqdn;   /* of user-data */
	const char *local_hostname;    /* of meta-data */
	buffer keys;
	size_t key_count;
	char timezone[64];
	buffer ntp_servers;
	bool is_ntp_off;
	buffer bootcmd, runcmd;        /* scripts; empty where there is none */
	written_file *files;
	size_t file_count, file_capacity;
	bool has_network;
	buffer links[ETHERNET_LIMIT];  /* the files of OUT/network */
	size_t link_count;
	buffer addresses, macs;        /* of all entries, a line each */
	size_t output_size;
} seed;

/* Counts what is to be written; false, after a report, where it becomes too much. */
static bool has_room(place at, size_t size)
{
	if (size > OUTPUT_LIMIT - seed.output_size) {
		refuse(at, "makes the seed larger than %d bytes", OUTPUT_LIMIT);
		return false;
	}
	seed.output_size += size;
	return true;
}

/* -------------------------------------------------------------------------------------------- user-data: names, users */

static void read_host_name(place at)
{
	const char *name = text_of(at);
	if (name == NULL) return;
	if (is_host_name(at.value)) *(const char **)at.into = name;
	else refuse(at, "is not a host name");
}

static void read_hostname(place at)
{
	at.into = &seed.hostname;
	read_host_name(at);
}

static void read_fqdn(place at)
{
	at.into = &seed.fqdn;
	read_host_name(at);
}

static const char *const KEY_TYPES[] = {
	"ssh-ed25519",
	"ssh-rsa",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com",
	NULL,
};

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (is_digit(c)) return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Digits without padding; the number of bytes, or -1. `bytes` has room for three of each four digits. */
static long decode_base64(const char *digits, size_t count, unsigned char *bytes, bool is_strict)
{
	unsigned long group = 0;
	long length = 0;
	for (size_t index = 0; index < count; index += 1) {
		int digit = base64_digit(digits[index]);
		if (digit < 0) return -1;
		group = group << 6 | (unsigned long)digit;
		if (index % 4 > 0) bytes[length++] = (unsigned char)(group >> (6 - 2 * (index % 4)));
		group &= 0xffffff;
	}
	/* Bits left over are zero in what an encoder has written. */
	unsigned long over = count % 4 == 2 ? 0xf : count % 4 == 3 ? 0x3 : 0;
	return count % 4 == 1 || (is_strict && (group & over) != 0) ? -1 : length;
}

/* RFC 4253 6.6: strings, each after its length in four bytes; the first is the type. */
static bool is_whole_key(const unsigned char *blob, size_t length, const char *type)
{
	size_t offset = 0, fields = 0;
	while (offset + 4 <= length) {
		size_t size = (size_t)blob[offset] << 24 | (size_t)blob[offset + 1] << 16 | (size_t)blob[offset + 2] << 8 |
		              blob[offset + 3];
		if (fields == 0 && (size != strlen(type) || size > length - 4 || memcmp(blob + 4, type, size) != 0)) return false;
		if (size > length - offset - 4) return false;
		offset += 4 + size;
		fields += 1;
	}
	return offset == length && fields >= 2;
}

/* A line of authorized_keys without options: type, base64, comment. */
static bool is_ssh_key(const char *line)
{
	const char *const *type = KEY_TYPES;
	size_t length = strcspn(line, " ");
	while (*type != NULL && (strlen(*type) != length || memcmp(*type, line, length) != 0)) type += 1;
	const char *data = line + length + strspn(line + length, " ");
	size_t size = strcspn(data, " "), digits = strcspn(data, "= "), padding = size - digits;
	if (*type == NULL || digits == 0 || padding > 2 || strspn(data + digits, "=") != padding) return false;
	unsigned char *blob = take(size);
	long blob_length = decode_base64(data, digits, blob, true);
	return blob_length > 0 && is_whole_key(blob, (size_t)blob_length, *type) && strstr(line, "PRIVATE KEY") == NULL;
}

static void read_ssh_key(place at)
{
	const char *text = text_of(at);
	if (text == NULL) return;
	node line = *at.value;
	text += strspn(text, " \t\r\n");
	line.length -= (size_t)(text - line.text);
	line.text = memcpy(take(line.length + 1), text, line.length);
	while (line.length > 0 && is_blank(line.text[line.length - 1])) line.text[--line.length] = '\0';
	if (line.length > SSH_KEY_LIMIT || !is_line(&line) || !is_ssh_key(line.text)) {
		refuse(at, "must be a public ssh key without options: type, key, comment");
		return;
	}
	if (has_line(&seed.keys, line.text)) return;
	if (seed.key_count == SSH_KEYS_LIMIT) {
		refuse(at, "are more than %d", SSH_KEYS_LIMIT);
		return;
	}
	seed.key_count += 1;
	if (has_room(at, line.length + 1)) append_line(&seed.keys, "", line.text);
}

static void read_ssh_keys(place at)
{
	read_list(at, read_ssh_key);
}

static void read_user_name(place at)
{
	const char *name = text_of(at);
	if (name != NULL && !key_is(at.value, "root")) refuse(at, "can only be root on this system");
}

static void read_user(place at)
{
	static const field FIELDS[] = {{"name", read_user_name}, {"ssh_authorized_keys", read_ssh_keys}, {NULL, NULL}};
	if (at.value->type == SCALAR) {
		if (text_of(at) != NULL && !key_is(at.value, "default")) refuse(at, "must be \"default\" or a mapping for root");
		return;
	}
	if (at.value->type == MAPPING && value_of(at.value, "name") == NULL) refuse(at, "must have a \"name\"");
	read_fields(at, FIELDS, NULL);
}

static void read_users(place at)
{
	if (at.value->type == SEQUENCE && at.value->count == 0) refuse(at, "must not be empty");
	read_list(at, read_user);
}

/* --------------------------------------------------------------------------------------------- user-data: the time */

/* There is no database of time zones: UTC, and Etc/GMT-3 for "three hours east of Greenwich". */
static void read_timezone(place at)
{
	const char *name = text_of(at);
	if (name == NULL) return;
	if (key_is(at.value, "UTC") || key_is(at.value, "Etc/UTC")) {
		strcpy(seed.timezone, "UTC0");
		return;
	}
	char *end = NULL;
	long hours = -1;
	if (strncmp(name, "Etc/GMT", 7) == 0 && (name[7] == '+' || name[7] == '-') && name[8] >= '1' && name[8] <= '9')
		hours = strtol(name + 8, &end, 10);
	if (hours < 1 || hours > (name[7] == '+' ? 12 : 14) || end != at.value->text + at.value->length) {
		refuse(at, "is not known here; a clock of this system is UTC or Etc/GMT+5, Etc/GMT-3 …");
		return;
	}
	const char *offset = name[7] == '+' ? "" : "-";
	snprintf(seed.timezone, sizeof seed.timezone, "<%c%02ld>%s%ld", name[7] == '+' ? '-' : '+', hours, offset, hours);
}

static void read_time_server(place at)
{
	const char *name = text_of(at);
	if (name == NULL) return;
	if (version_of(at.value) == 0 && !is_host_name(at.value)) refuse(at, "is neither a host name nor an address");
	else if (has_room(at, at.value->length + 1)) append_line(&seed.ntp_servers, "", name);
}

static void read_time_servers(place at)
{
	read_list(at, read_time_server);
}

static void read_ntp_enabled(place at)
{
	seed.is_ntp_off = truth_of(at) == 0;
}

static void read_ntp(place at)
{
	static const field FIELDS[] = {
		{"enabled", read_ntp_enabled},
		{"servers", read_time_servers},
		{"pools", read_time_servers},
		{NULL, NULL},
	};
	read_fields(at, FIELDS, NULL);
}

/* ------------------------------------------------------------------------------------------------ user-data: commands */

/* A word as cloud-init's shellify writes it: in single quotes. */
static bool append_word(buffer *line, place at)
{
	const node *word = at.value;
	bool is_number = word->type == SCALAR && word->kind == IS_INT && is_decimal(word->text);
	if (!is_number && text_of(at) == NULL) return false;
	append_text(line, "'");
	for (size_t index = 0; index < word->length; index += 1) {
		if (word->text[index] == '\'') append_text(line, "'\\''");
		else append(line, word->text + index, 1);
	}
	append_text(line, "'");
	return true;
}

static bool append_command(buffer *script, place at)
{
	const node *command = at.value;
	size_t start = script->length;
	if (command->type != SEQUENCE) {
		if (text_of(at) == NULL) return false;
		append(script, command->text, command->length);
	} else if (command->count == 0) {
		refuse(at, "holds an empty command");
		return false;
	} else if (!may_read(at, command->count)) {
		return false;
	}
	for (size_t index = 0; command->type == SEQUENCE && index < command->count; index += 1) {
		if (index > 0) append_text(script, " ");
		if (!append_word(script, (place){command->items[index], at.name, NULL})) return false;
		if (script->length > OUTPUT_LIMIT) break;
	}
	if (script->length > start && (memchr(script->bytes + start, '\0', script->length - start) != NULL ||
	                               memchr(script->bytes + start, '\r', script->length - start) != NULL)) {
		refuse(at, "holds a character that no script may hold (zero, CR)");
		return false;
	}
	append_text(script, "\n");
	return true;
}

/* One wrong command leaves out all of them: what follows it may rely on it. */
static void read_commands(place at, buffer *script)
{
	if (!is_type(at, SEQUENCE) || !may_read(at, at.value->count)) return;
	buffer made = {0};
	append_text(&made, "#!/bin/sh\n");
	bool is_right = true;
	for (size_t index = 0; index < at.value->count && made.length <= OUTPUT_LIMIT; index += 1)
		is_right = append_command(&made, (place){at.value->items[index], at.name, NULL}) && is_right;
	if (is_right && at.value->count > 0 && has_room(at, made.length)) *script = made;
}

static void read_bootcmd(place at)
{
	read_commands(at, &seed.bootcmd);
}

static void read_runcmd(place at)
{
	read_commands(at, &seed.runcmd);
}

/* --------------------------------------------------------------------------------------------- user-data: write_files */

static void read_path(place at)
{
	const char *path = line_of(at);
	if (path == NULL) return;
	const char *fault = path[0] != '/' ? "must begin with \"/\"" : NULL;
	size_t length = at.value->length;
	if (length > 1000 || path[length - 1] == '/' || path[length - 1] == ' ') fault = "is not the path of a file";
	for (const char *name = path; fault == NULL && *name == '/'; name += strcspn(name, "/")) {
		name += 1;
		size_t size = strcspn(name, "/");
		if (size > 255 || (size == 2 && name[0] == '.' && name[1] == '.')) fault = "must not hold \"..\" or a name over 255 bytes";
	}
	if (fault == NULL) ((written_file *)at.into)->path = path;
	else refuse(at, "%s", fault);
}

static void read_content(place at)
{
	const char *content = text_of(at);
	if (content == NULL) return;
	((written_file *)at.into)->bytes = content;
	((written_file *)at.into)->length = at.value->length;
}

static bool is_octal(const char *text)
{
	const char *digits = text[0] == '0' && strlen(text) > 3 ? text + 1 : text;
	size_t length = strlen(digits);
	return strspn(digits, "01234567") == length && (length == 3 || (length == 4 && digits[0] != '0'));
}

/* '0644' as text, or 0644, which YAML 1.1 reads as octal; 644 would be 01204. */
static void read_permissions(place at)
{
	const node *value = at.value;
	bool is_text = value->type == SCALAR && value->kind == IS_TEXT;
	bool is_number = value->type == SCALAR && value->kind == IS_INT && value->text[0] == '0';
	if ((is_text || is_number) && strlen(value->text) == value->length && is_octal(value->text))
		((written_file *)at.into)->mode = strtol(value->text, NULL, 8);
	else refuse(at, "must be a mode in octal digits in quotes, like '0755'");
}

static void read_append(place at)
{
	if (truth_of(at) == 1) ((written_file *)at.into)->how = "append";
}

static void read_owner(place at)
{
	if (text_of(at) != NULL && !key_is(at.value, "root") && !key_is(at.value, "root:root"))
		refuse(at, "can only be root:root on this system");
}

static bool is_base64_name(const node *value)
{
	return key_is(value, "b64") || key_is(value, "base64");
}

static void read_encoding(place at)
{
	if (text_of(at) != NULL && !key_is(at.value, "text/plain") && !is_base64_name(at.value))
		refuse(at, "can only be text/plain, b64 or base64 on this system");
}

static void unpack_base64(written_file *file, place at)
{
	char *digits = take(file->length + 1);
	size_t count = 0, padding = 0;
	bool is_whole = true;
	for (size_t index = 0; index < file->length; index += 1) {
		char c = file->bytes[index];
		if (is_blank(c)) continue;
		if (c == '=') padding += 1;
		else if (padding == 0) digits[count++] = c;
		else is_whole = false;
	}
	is_whole = is_whole && padding <= 2 && (count + padding) % 4 == 0;
	unsigned char *bytes = take(file->length + 1);
	long length = is_whole ? decode_base64(digits, count, bytes, false) : -1;
	if (length < 0) refuse(at, "cannot be unpacked as base64");
	file->bytes = (const char *)bytes;
	file->length = length < 0 ? 0 : (size_t)length;
}

static bool is_windows_script(const written_file *file)
{
	if (file->length < 2 || memcmp(file->bytes, "#!", 2) != 0) return false;
	for (size_t index = 1; index < file->length; index += 1) {
		if (file->bytes[index] == '\n' && file->bytes[index - 1] == '\r') return true;
	}
	return false;
}

static void keep_file(const written_file *file)
{
	if (seed.file_count == seed.file_capacity) {
		size_t capacity = seed.file_capacity * 2 + 8;
		written_file *grown = take(capacity * sizeof *grown);
		if (seed.file_count > 0) memcpy(grown, seed.files, seed.file_count * sizeof *grown);
		seed.files = grown;
		seed.file_capacity = capacity;
	}
	seed.files[seed.file_count] = *file;
	seed.file_count += 1;
}

static void read_written_file(place at)
{
	static const field FIELDS[] = {
		{"path", read_path},
		{"content", read_content},
		{"encoding", read_encoding},
		{"permissions", read_permissions},
		{"append", read_append},
		{"owner", read_owner},
		{NULL, NULL},
	};
	written_file file = {.how = "write", .mode = 0644, .bytes = ""};
	size_t reports_before = report_count;
	read_fields(at, FIELDS, &file);
	if (at.value->type == MAPPING && value_of(at.value, "path") == NULL) refuse(at, "must have a \"path\"");
	const node *encoding = value_of(at.value, "encoding");
	if (report_count == reports_before && encoding != NULL && is_base64_name(encoding)) unpack_base64(&file, at);
	if (is_windows_script(&file)) refuse(at, "is a script with line ends of Windows (CR LF)");
	if (report_count == reports_before && has_room(at, file.length)) keep_file(&file);
}

static void read_write_files(place at)
{
	read_list(at, read_written_file);
}

/* --------------------------------------------------------------------------------------------------- user-data: all */

/* This system writes the names into /etc/hosts in any case. */
static void read_manage_etc_hosts(place at)
{
	if (!(at.value->type == SCALAR && key_is(at.value, "localhost")) && truth_of(at) == 0)
		refuse(at, "can only be true or \"localhost\" on this system");
}

static void read_cloud_config(const node *root)
{
	static const field FIELDS[] = {
		{"hostname", read_hostname},
		{"fqdn", read_fqdn},
		{"ssh_authorized_keys", read_ssh_keys},
		{"users", read_users},
		{"timezone", read_timezone},
		{"ntp", read_ntp},
		{"bootcmd", read_bootcmd},
		{"write_files", read_write_files},
		{"runcmd", read_runcmd},
		{"manage_etc_hosts", read_manage_etc_hosts},
		{"disable_root", must_be_false},
		{"preserve_hostname", must_be_false},
		{"ssh_pwauth", must_be_false},
		{"package_update", must_be_false},
		{"package_upgrade", must_be_false},
		{NULL, NULL},
	};
	read_fields((place){root, "user-data", NULL}, FIELDS, NULL);
}

static bool is_nothing(const node *root)
{
	return root == NULL || (root->type == SCALAR && root->kind == IS_NULL);
}

static void read_user_data(const buffer *text)
{
	static const char HEADER[] = "#cloud-config";
	if (strspn(text->bytes, " \t\r\n") == text->length) return;
	size_t length = strlen(HEADER);
	const char *rest = text->bytes + length;
	if (strncmp(text->bytes, HEADER, length) != 0 || strchr("\r\n", rest[strspn(rest, " \t")]) == NULL) {
		report("seed-key", 1, 1, "the first line must be \"#cloud-config\": this system runs no other user-data");
		return;
	}
	bool is_right;
	const node *root = read_yaml(text, &is_right);
	if (is_right && !is_nothing(root)) read_cloud_config(root);
}

/* -------------------------------------------------------------------------------------------------------- meta-data */

static void read_instance_id(place at)
{
	seed.instance_id = line_of(at);
}

static void read_local_hostname(place at)
{
	at.into = &seed.local_hostname;
	read_host_name(at);
}

static void read_meta_data(const buffer *text)
{
	static const field FIELDS[] = {
		{"instance-id", read_instance_id},
		{"local-hostname", read_local_hostname},
		{NULL, NULL},
	};
	bool is_right;
	const node *root = read_yaml(text, &is_right);
	if (is_right && !is_nothing(root)) read_fields((place){root, "meta-data", NULL}, FIELDS, NULL);
}

/* -------------------------------------------------------------------------------------------------- network-config */

/* An entry of `ethernets`; its `match` lines are put in front of what is to be done. */
typedef struct {
	buffer matches, mtu, addresses, dhcp, routes, gateways, servers, domains;
	bool has_gateway[2]; /* IPv4, IPv6 */
} ethernet;

static void read_match_name(place at)
{
	static const char CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._*?-";
	const char *name = text_of(at);
	if (name == NULL) return;
	if (at.value->length > 0 && at.value->length <= NAME_LIMIT && strspn(name, CHARACTERS) == at.value->length)
		append_line(&((ethernet *)at.into)->matches, "match name", name);
	else refuse(at, "must be the name of an interface, with * and ? for any characters");
}

static void read_match_mac(place at)
{
	const char *text = text_of(at);
	if (text == NULL) return;
	char mac[18] = "";
	for (size_t index = 0; at.value->length == 17 && index < 17; index += 1) {
		char c = text[index];
		bool is_hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (index % 3 == 2 ? c != ':' : !is_hex) break;
		mac[index] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	}
	if (strlen(mac) != 17) {
		refuse(at, "must be a MAC address in quotes, like \"b8:27:eb:00:00:01\"");
		return;
	}
	if (has_line(&seed.macs, mac)) refuse(at, "names a MAC address that another entry has");
	append_line(&seed.macs, "", mac);
	append_line(&((ethernet *)at.into)->matches, "match mac", mac);
}

static void read_match(place at)
{
	static const field FIELDS[] = {{"name", read_match_name}, {"macaddress", read_match_mac}, {NULL, NULL}};
	if (at.value->type == MAPPING && at.value->count == 0) refuse(at, "must have \"name\" or \"macaddress\"");
	read_fields(at, FIELDS, at.into);
}

static void read_dhcp4(place at)
{
	if (truth_of(at) == 1) append_text(&((ethernet *)at.into)->dhcp, "dhcp\n");
}

static void read_optional(place at)
{
	truth_of(at); /* nothing of this system waits for a network */
}

static void read_mtu(place at)
{
	char number[24];
	long mtu = number_of(at, 68, 65535);
	if (mtu < 0) return;
	snprintf(number, sizeof number, "%ld", mtu);
	append_line(&((ethernet *)at.into)->mtu, "mtu", number);
}

static void read_address(place at)
{
	unsigned char bytes[16];
	int bits;
	const char *text = text_of(at);
	if (text == NULL) return;
	if (network_version(at.value, 1, bytes, &bits) == 0) {
		refuse(at, "must be an address with its prefix length, like 192.168.1.10/24");
		return;
	}
	char *bare = memcpy(take(at.value->length + 1), text, at.value->length);
	*strchr(bare, '/') = '\0';
	if (has_line(&seed.addresses, bare)) refuse(at, "names an address that is there twice");
	append_line(&seed.addresses, "", bare);
	append_line(&((ethernet *)at.into)->addresses, "address", text);
}

static void read_addresses(place at)
{
	read_list(at, read_address);
}

static void keep_gateway(place at, int version)
{
	ethernet *link = at.into;
	bool *has_gateway = &link->has_gateway[version == 6];
	if (*has_gateway) refuse(at, "is a second default route");
	else append_line(&link->gateways, "gateway", at.value->text);
	*has_gateway = true;
}

static void read_gateway(place at, int version)
{
	if (text_of(at) == NULL) return;
	if (version_of(at.value) == version) keep_gateway(at, version);
	else refuse(at, "must be an IPv%d address", version);
}

static void read_gateway4(place at)
{
	read_gateway(at, 4);
}

static void read_gateway6(place at)
{
	read_gateway(at, 6);
}

static bool has_host_bits(const unsigned char *bytes, int bits, int version)
{
	for (int bit = bits; bit < (version == 4 ? 32 : 128); bit += 1) {
		if ((bytes[bit / 8] & 0x80 >> bit % 8) != 0) return true;
	}
	return false;
}

static void read_route_part(place at)
{
	text_of(at);
}

static void read_route(place at)
{
	static const field FIELDS[] = {{"to", read_route_part}, {"via", read_route_part}, {NULL, NULL}};
	size_t reports_before = report_count;
	read_fields(at, FIELDS, NULL);
	if (report_count != reports_before) return;
	const node *to = value_of(at.value, "to"), *via = value_of(at.value, "via");
	int version = via == NULL ? 0 : version_of(via);
	if (to == NULL || version == 0) {
		refuse(at, "must have \"to\" and \"via\", the address of a router");
		return;
	}
	unsigned char bytes[16];
	int bits = 0, to_version = key_is(to, "default") ? version : network_version(to, 0, bytes, &bits);
	if (to_version != version || (bits > 0 && has_host_bits(bytes, bits, version))) {
		refuse(at, "must go \"to\" default or a network like 10.0.0.0/8, of the same kind as \"via\"");
		return;
	}
	if (bits == 0) {
		keep_gateway((place){via, at.name, at.into}, version);
		return;
	}
	buffer *routes = &((ethernet *)at.into)->routes;
	append_text(routes, "route ");
	append_line(routes, to->text, via->text);
}

static void read_routes(place at)
{
	read_list(at, read_route);
}

static void read_name_server(place at)
{
	if (text_of(at) == NULL) return;
	if (version_of(at.value) != 0) append_line(&((ethernet *)at.into)->servers, "dns", at.value->text);
	else refuse(at, "must be an IP address");
}

static void read_name_servers(place at)
{
	read_list(at, read_name_server);
}

static void read_search_domain(place at)
{
	if (text_of(at) == NULL) return;
	if (is_host_name(at.value)) append_line(&((ethernet *)at.into)->domains, "search", at.value->text);
	else refuse(at, "must be a domain");
}

static void read_search(place at)
{
	read_list(at, read_search_domain);
}

static void read_nameservers(place at)
{
	static const field FIELDS[] = {{"addresses", read_name_servers}, {"search", read_search}, {NULL, NULL}};
	read_fields(at, FIELDS, at.into);
}

static bool is_interface_name(const node *key)
{
	static const char CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	if (key->length < 1 || key->length > 15 || strspn(key->text, CHARACTERS) != key->length) return false;
	return strchr("._-", key->text[0]) == NULL;
}

/* What a route goes through must be reachable when it is made: addresses first. */
static void keep_link(place at, const ethernet *link)
{
	const buffer *parts[] = {&link->matches, &link->mtu,     &link->addresses, &link->dhcp,
	                         &link->routes,  &link->gateways, &link->servers,   &link->domains};
	buffer *file = &seed.links[seed.link_count];
	seed.has_network = true;
	for (size_t index = 0; index < sizeof parts / sizeof *parts; index += 1) append(file, parts[index]->bytes, parts[index]->length);
	if (has_room(at, file->length)) seed.link_count += 1;
	else *file = (buffer){0};
}

static void read_ethernet(place at, const node *key)
{
	static const field FIELDS[] = {
		{"match", read_match},
		{"dhcp4", read_dhcp4},
		{"dhcp6", must_be_false},
		{"optional", read_optional},
		{"mtu", read_mtu},
		{"addresses", read_addresses},
		{"gateway4", read_gateway4},
		{"gateway6", read_gateway6},
		{"routes", read_routes},
		{"nameservers", read_nameservers},
		{NULL, NULL},
	};
	ethernet link = {0};
	read_fields(at, FIELDS, &link);
	bool has_match = value_of(at.value, "match") != NULL;
	if (!has_match && is_interface_name(key)) append_line(&link.matches, "match name", key->text);
	else if (!has_match) report("seed-value", key->line, key->column, "\"%s\" is not the name of an interface", key->text);
	/* Without a match it would be about each interface. */
	if (at.value->type != MAPPING || link.matches.length == 0) return;
	keep_link(at, &link);
}

static void read_ethernets(place at)
{
	if (!is_type(at, MAPPING) || !may_read(at, at.value->count / 2)) return;
	if (at.value->count == 0 || at.value->count / 2 > ETHERNET_LIMIT) {
		refuse(at, "must have 1 to %d entries", ETHERNET_LIMIT);
		return;
	}
	for (size_t index = 0; index < at.value->count; index += 2) {
		const node *key = at.value->items[index];
		read_ethernet((place){at.value->items[index + 1], key->text, NULL}, key);
	}
}

static void read_version(place at)
{
	number_of(at, 2, 2);
}

static void read_network_off(place at)
{
	if (text_of(at) == NULL) return;
	if (key_is(at.value, "disabled")) seed.has_network = true;
	else refuse(at, "can only be \"disabled\"");
}

static void read_network(place at)
{
	static const field OFF[] = {{"config", read_network_off}, {NULL, NULL}};
	static const field FIELDS[] = {{"version", read_version}, {"ethernets", read_ethernets}, {NULL, NULL}};
	if (value_of(at.value, "config") != NULL) {
		read_fields(at, OFF, NULL);
		return;
	}
	read_fields(at, FIELDS, NULL);
	if (value_of(at.value, "version") == NULL || value_of(at.value, "ethernets") == NULL)
		refuse(at, "must have \"version: 2\" and \"ethernets\"");
}

static void read_network_config(const buffer *text)
{
	static const field FIELDS[] = {{"network", read_network}, {NULL, NULL}};
	bool is_right;
	const node *root = read_yaml(text, &is_right);
	if (!is_right) return;
	if (root == NULL) report("seed-value", 1, 1, "the file is empty; without it every Ethernet interface uses DHCP");
	else if (value_of(root, "network") != NULL) read_fields((place){root, "network-config", NULL}, FIELDS, NULL);
	else read_network((place){root, "network-config", NULL});
}

/* ------------------------------------------------------------------------------------------------------------ output */

static void write_bytes(int folder, const char *name, const char *bytes, size_t length, mode_t mode)
{
	int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (file < 0) output_failed("%s: %s", name, strerror(errno));
	while (length > 0) {
		ssize_t count = write(file, bytes, length);
		if (count < 0 && errno == EINTR) continue;
		if (count < 0) output_failed("%s: %s", name, strerror(errno));
		bytes += count;
		length -= (size_t)count;
	}
	if (close(file) != 0) output_failed("%s: %s", name, strerror(errno));
}

static void write_buffer(int folder, const char *name, const buffer *content, mode_t mode)
{
	if (content->length > 0) write_bytes(folder, name, content->bytes, content->length, mode);
}

static void write_line(int folder, const char *name, const char *text)
{
	buffer line = {0};
	if (text == NULL || text[0] == '\0') return;
	append_line(&line, "", text);
	write_buffer(folder, name, &line, 0644);
}

static int make_folder(int parent, const char *name)
{
	if (mkdirat(parent, name, 0700) != 0) output_failed("%s: %s", name, strerror(errno));
	int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) output_failed("%s: %s", name, strerror(errno));
	return folder;
}

/* As cloud-init's get_hostname_fqdn: `hostname`, the first label of `fqdn`, local-hostname of the meta-data. */
static void write_names(int out)
{
	const char *given = seed.hostname != NULL ? seed.hostname : seed.fqdn != NULL ? seed.fqdn : seed.local_hostname;
	if (given == NULL) return;
	const char *whole = seed.fqdn != NULL ? seed.fqdn : given;
	size_t length = strcspn(given, ".");
	char *label = memcpy(take(length + 1), given, length);
	write_line(out, "hostname", label);
	if (strchr(whole, '.') != NULL) write_line(out, "fqdn", whole);
}

static void write_files(int out)
{
	if (seed.file_count == 0) return;
	buffer list = {0};
	int folder = make_folder(out, "files");
	for (size_t index = 0; index < seed.file_count; index += 1) {
		const written_file *file = &seed.files[index];
		char name[24], line[64];
		snprintf(name, sizeof name, "%zu", index);
		snprintf(line, sizeof line, "%zu %04lo %s", index, (unsigned long)file->mode, file->how);
		write_bytes(folder, name, file->bytes, file->length, 0600);
		append_line(&list, line, file->path);
	}
	close(folder);
	write_buffer(out, "files.list", &list, 0600);
}

static void write_network(int out)
{
	if (!seed.has_network) return;
	int folder = make_folder(out, "network");
	for (size_t index = 0; index < seed.link_count; index += 1) {
		char name[24];
		snprintf(name, sizeof name, "%02zu", index);
		write_buffer(folder, name, &seed.links[index], 0600);
	}
	close(folder);
}

static void write_seed(int out)
{
	write_line(out, "instance-id", seed.instance_id);
	write_names(out);
	write_buffer(out, "authorized_keys", &seed.keys, 0600);
	write_line(out, "timezone", seed.timezone);
	if (seed.is_ntp_off) write_bytes(out, "ntp", "", 0, 0644);
	else write_buffer(out, "ntp", &seed.ntp_servers, 0644);
	write_buffer(out, "bootcmd", &seed.bootcmd, 0700);
	write_buffer(out, "runcmd", &seed.runcmd, 0700);
	write_files(out);
	write_network(out);
}

/* -------------------------------------------------------------------------------------------------------------- main */

static void read_vendor_data(const buffer *text)
{
	if (strspn(text->bytes, " \t\r\n") != text->length) report("seed-key", 1, 1, "this system reads no vendor-data");
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		size_t limit;
		void (*read)(const buffer *);
	} FILES[] = {
		{"user-data", USER_DATA_LIMIT, read_user_data},
		{"meta-data", OTHER_LIMIT, read_meta_data},
		{"network-config", OTHER_LIMIT, read_network_config},
		{"vendor-data", USER_DATA_LIMIT, read_vendor_data},
	};
	if (count != 3) output_failed("usage: seed-reader SEED OUT");
	umask(077);
	int folder = open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) return EXIT_NO_SEED;
	bool has_seed = false;
	for (size_t index = 0; index < sizeof FILES / sizeof *FILES; index += 1) {
		buffer *text;
		bool is_there = read_file(folder, FILES[index].name, FILES[index].limit, &text);
		has_seed = has_seed || is_there;
		if (text != NULL) FILES[index].read(text);
	}
	close(folder);
	if (!has_seed) return EXIT_NO_SEED;
	if (report_count > REPORT_LIMIT)
		fprintf(stderr, "reswarm: error seed-key and %zu more\n", report_count - REPORT_LIMIT);
	write_seed(make_folder(AT_FDCWD, arguments[2]));
	return report_count > 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}
