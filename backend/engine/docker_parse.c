/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/docker_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Days since 1970 of a date of the Gregorian calendar
 * (http://howardhinnant.github.io/date_algorithms.html, days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t era, year_of_era, day_of_year, day_of_era;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

/* Reads count digits at *at; -1 when there are fewer. */
static int64_t digits(const char *text, size_t len, size_t *at, size_t count)
{
	int64_t value = 0;

	if (len - *at < count)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!isdigit((unsigned char)text[*at + i]))
			return -1;
		value = value * 10 + (text[*at + i] - '0');
	}
	*at += count;
	return value;
}

/* The fields of a time; each is preceded by its separator. */
static bool time_fields(const char *text, size_t len, size_t *at, int64_t field[6])
{
	static const char separators[] = " --T::";

	for (size_t i = 0; i < 6; i++) {
		if (i > 0 && (*at >= len || text[(*at)++] != separators[i]))
			return false;
		field[i] = digits(text, len, at, i == 0 ? 4 : 2);
		if (field[i] < 0)
			return false;
	}
	return field[1] >= 1 && field[1] <= 12 && field[2] >= 1 && field[2] <= 31;
}

static int64_t time_fraction_ns(const char *text, size_t len, size_t *at)
{
	int64_t unit_ns = NS_PER_SECOND / 10, ns = 0;

	if (*at >= len || text[*at] != '.')
		return 0;
	for ((*at)++; *at < len && isdigit((unsigned char)text[*at]); (*at)++) {
		ns += (text[*at] - '0') * unit_ns;
		unit_ns /= 10;
	}
	return ns;
}

static bool time_zone(const char *text, size_t len, size_t *at, int64_t *ret_offset_s)
{
	int64_t hours, minutes;
	char sign;

	if (*at >= len)
		return false;
	sign = text[(*at)++];
	*ret_offset_s = 0;
	if (sign == 'Z')
		return true;
	hours = digits(text, len, at, 2);
	if ((sign != '+' && sign != '-') || hours < 0 || *at >= len || text[(*at)++] != ':')
		return false;
	minutes = digits(text, len, at, 2);
	*ret_offset_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	return minutes >= 0;
}

size_t docker_parse_time(const char *text, size_t len, int64_t *ret)
{
	int64_t field[6], fraction_ns, offset_s = 0, seconds;
	size_t at = 0;

	if (!time_fields(text, len, &at, field))
		return 0;
	fraction_ns = time_fraction_ns(text, len, &at);
	if (!time_zone(text, len, &at, &offset_s))
		return 0;
	/* Beyond 2262 nanoseconds since 1970 do not fit; before 1970 is the engine's "never". */
	if (field[0] > 2261)
		return 0;
	seconds = days_of(field[0], field[1], field[2]) * 86400 + field[3] * 3600 + field[4] * 60 +
		  field[5] - offset_s;
	*ret = seconds < 0 ? 0 : seconds * NS_PER_SECOND + fraction_ns;
	return at;
}

static int64_t time_member(const json_t *object, const char *key)
{
	const char *text = json_get_string(object, key, "");
	int64_t ns = 0;

	(void)docker_parse_time(text, strlen(text), &ns);
	return ns;
}

static enum container_phase phase_of(const char *status)
{
	if (strcmp(status, "created") == 0)
		return CONTAINER_CREATED;
	if (strcmp(status, "running") == 0 || strcmp(status, "paused") == 0 ||
		strcmp(status, "restarting") == 0)
		return CONTAINER_RUNNING;
	return CONTAINER_EXITED;
}

static int64_t number_label(const json_t *labels, const char *key)
{
	int64_t value = 0;

	(void)text_parse_int(json_get_string(labels, key, ""), 0, INT64_MAX, &value);
	return value;
}

static void labels_read(const json_t *labels, struct container_state *ret)
{
	ret->instance = number_label(labels, LABEL_INSTANCE);
	ret->generation = number_label(labels, LABEL_GENERATION);
	(void)text_copy(ret->tenant, sizeof(ret->tenant),
		json_get_string(labels, LABEL_TENANT, ""));
	(void)text_copy(ret->service, sizeof(ret->service),
		json_get_string(labels, LABEL_SERVICE, ""));
}

/* The first address: our containers are in one network. */
static void address_read(const json_t *networks, struct container_state *ret)
{
	const char *key, *address;
	json_t *network;

	if (ret->phase != CONTAINER_RUNNING)
		return;
	json_object_foreach((json_t *)networks, key, network)
	{
		address = json_get_string(network, "IPAddress", "");
		if (!address[0])
			continue;
		(void)text_copy(ret->address, sizeof(ret->address), address);
		return;
	}
}

static void name_read(const char *name, struct container_state *ret)
{
	(void)text_copy(ret->name, sizeof(ret->name), name[0] == '/' ? name + 1 : name);
}

void docker_parse_inspect(const json_t *answer, struct container_state *ret)
{
	const json_t *state = json_object_get(answer, "State");

	*ret = (struct container_state){.phase = phase_of(json_get_string(state, "Status", ""))};
	(void)text_copy(ret->id, sizeof(ret->id), json_get_string(answer, "Id", ""));
	name_read(json_get_string(answer, "Name", ""), ret);
	ret->exit_code = (int)json_get_int(state, "ExitCode", 0);
	ret->out_of_memory = json_get_bool(state, "OOMKilled", false);
	(void)text_copy(ret->reason, sizeof(ret->reason), json_get_string(state, "Error", ""));
	text_trim_utf8(ret->reason);
	ret->started_wall_ns = time_member(state, "StartedAt");
	ret->finished_wall_ns = time_member(state, "FinishedAt");
	labels_read(json_object_get(json_object_get(answer, "Config"), "Labels"), ret);
	address_read(json_object_get(json_object_get(answer, "NetworkSettings"), "Networks"), ret);
}

/* The list tells the exit code in words alone: "Exited (137) 5 minutes ago". */
static int exit_code_of(const char *words)
{
	int code = 0;

	(void)sscanf(words, "Exited (%9d)", &code);
	return code;
}

void docker_parse_listed(const json_t *element, struct container_state *ret)
{
	*ret = (struct container_state){.phase = phase_of(json_get_string(element, "State", ""))};
	(void)text_copy(ret->id, sizeof(ret->id), json_get_string(element, "Id", ""));
	const char *name = json_string_value(json_array_get(json_object_get(element, "Names"), 0));

	name_read(name ? name : "", ret);
	ret->exit_code = exit_code_of(json_get_string(element, "Status", ""));
	labels_read(json_object_get(element, "Labels"), ret);
	address_read(json_object_get(json_object_get(element, "NetworkSettings"), "Networks"), ret);
}

/* What the kernel may drop at any time counts as free (as `docker stats` does): cgroup v1 and v2
 * name it differently. */
static int64_t memory_in_use(const json_t *memory)
{
	const json_t *stats = json_object_get(memory, "stats");
	int64_t usage_bytes = json_get_int(memory, "usage", 0);
	int64_t idle_bytes =
		json_get_int(stats, "total_inactive_file", json_get_int(stats, "inactive_file", 0));

	return idle_bytes > 0 && idle_bytes < usage_bytes ? usage_bytes - idle_bytes : usage_bytes;
}

void docker_parse_usage(const json_t *answer, struct container_usage *ret)
{
	const json_t *memory = json_object_get(answer, "memory_stats");
	const json_t *cpu = json_object_get(json_object_get(answer, "cpu_stats"), "cpu_usage");
	json_t *networks = json_object_get(answer, "networks"), *network;
	const char *name;

	*ret = (struct container_usage){
		.cpu_ns = json_get_int(cpu, "total_usage", 0),
		.memory_bytes = memory_in_use(memory),
		.memory_limit_bytes = json_get_int(memory, "limit", 0),
		.processes = json_get_int(json_object_get(answer, "pids_stats"), "current", 0),
	};
	json_object_foreach(networks, name, network)
	{
		ret->received_bytes += json_get_int(network, "rx_bytes", 0);
		ret->sent_bytes += json_get_int(network, "tx_bytes", 0);
	}
}

static bool event_type(const char *action, enum engine_event_type *ret)
{
	static const struct {
		const char *action;
		enum engine_event_type type;
	} known[] = {
		{"start", ENGINE_CONTAINER_STARTED},
		{"die", ENGINE_CONTAINER_DIED},
		{"destroy", ENGINE_CONTAINER_REMOVED},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(action, known[i].action) != 0)
			continue;
		*ret = known[i].type;
		return true;
	}
	return false;
}

bool docker_parse_event(const char *line, size_t len, struct engine_event *ret)
{
	_cleanup_json_ json_t *object = NULL;
	struct engine_event event = {0};
	const json_t *actor, *attributes;
	int64_t exit_code = 0;

	object = json_loadb(line, len, 0, NULL);
	actor = json_object_get(object, "Actor");
	attributes = json_object_get(actor, "Attributes");
	if (strcmp(json_get_string(object, "Type", ""), "container") != 0 ||
		!event_type(json_get_string(object, "Action", ""), &event.type))
		return false;
	if (!text_copy(event.container, sizeof(event.container),
		    json_get_string(actor, "ID", "")) ||
		!event.container[0])
		return false;
	event.instance = number_label(attributes, LABEL_INSTANCE);
	(void)text_parse_int(json_get_string(attributes, "exitCode", ""), 0, 255, &exit_code);
	event.exit_code = (int)exit_code;
	*ret = event;
	return true;
}

int docker_parse_reference(const char *image, char *name, size_t name_size, char *tag,
	size_t tag_size)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._/:@";
	const char *slash, *mark;
	size_t name_len;

	if (!isalnum((unsigned char)image[0]) || image[strspn(image, allowed)] != '\0' ||
		strstr(image, "//") || strstr(image, ".."))
		return -EINVAL;
	mark = strchr(image, '@');
	slash = strrchr(image, '/');
	/* A colon before the last slash belongs to the registry's port. */
	if (!mark)
		mark = strchr(slash ? slash : image, ':');
	name_len = mark ? (size_t)(mark - image) : strlen(image);
	if (name_len == 0 || name_len >= name_size || (mark && !mark[1]) ||
		(slash && slash[1] == '\0'))
		return -EINVAL;
	if (!text_copy(tag, tag_size, mark ? mark + 1 : "latest"))
		return -EINVAL;
	memcpy(name, image, name_len);
	name[name_len] = '\0';
	return 0;
}
