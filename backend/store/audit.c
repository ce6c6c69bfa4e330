/* SPDX-License-Identifier: Apache-2.0 */
/* Who did or tried what, a line each. */
#include "store/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "store/txn.h"

/* Lines kept of each user: one who makes noise cannot push out what another has done. */
#define AUDIT_USER_MAX 5000

static void put_time(int64_t wall_ns, struct buf *out)
{
	char when[32];

	clock_format_utc(wall_ns, when, sizeof(when));
	when[strcspn(when, "Z")] = '\0';
	buf_printf(out, "%s.%06" PRId64 "Z", when, wall_ns % NS_PER_SECOND / 1000);
}

static void put_generation(struct txn *txn, int64_t id, struct buf *out)
{
	struct object object = OBJECT_INIT;

	if (id > 0 && txn_peek(txn, id, &object) == 0 && object.generation > 0)
		buf_printf(out, " generation=%" PRId64, object.generation);
	else
		buf_puts(out, " generation=-");
}

static void put_line(struct txn *txn, const struct caller *caller, const char *outcome,
	struct buf *out)
{
	const struct audit *audit = caller->audit;

	put_time(txn->now_ns, out);
	buf_printf(out, " uid=%u gid=%u pid=%d program=", (unsigned)caller->uid,
		(unsigned)caller->gid, (int)caller->pid);
	buf_put_word(out, audit->program && *audit->program ? audit->program : "?");
	buf_printf(out, " operation=%s path=", caller->operation ? caller->operation : "?");
	buf_put_word(out, audit->path);
	put_generation(txn, audit->object, out);
	if (audit->detail && *audit->detail) {
		buf_putc(out, ' ');
		buf_put_word(out, audit->detail);
	}
	buf_printf(out, " outcome=%s", outcome);
}

static int insert_line(struct txn *txn, int64_t uid, const struct buf *line)
{
	int64_t last = 0;
	int r = txn_fail(txn,
		connection_get_int(txn->connection, &last,
			"SELECT coalesce(max(seq), 0) FROM audit WHERE uid = ?1", "i", uid));

	if (r == 0)
		r = txn_run(txn,
			"INSERT INTO audit (uid, seq, wall_ns, line) VALUES (?1, ?2, ?3, ?4)",
			"iiit", uid, last + 1, txn->now_ns, buf_string(line));
	if (r == 0 && last >= AUDIT_USER_MAX)
		r = txn_run(txn, "DELETE FROM audit WHERE uid = ?1 AND seq <= ?2", "ii", uid,
			last + 1 - AUDIT_USER_MAX);
	return r;
}

int txn_audit(struct txn *txn, const struct caller *caller, const char *outcome)
{
	struct buf line = BUF_INIT;
	int r;

	if (!caller || !caller->audit)
		return 0;
	put_line(txn, caller, outcome, &line);
	r = line.error ? txn_fail(txn, line.error) : insert_line(txn, (int64_t)caller->uid, &line);
	buf_done(&line);
	return r;
}

int txn_audit_refusal(struct txn *txn, const struct caller *caller, int error)
{
	const char *name = strerrorname_np(-error);

	return txn_audit(txn, caller, name ? name : "refused");
}

/* Of nobody's doing: they have places of their own, and push out no user's lines. */
#define AUDIT_PLATFORM    (-1)
#define AUDIT_READS(from) (-2 - (from)) /* a tenant's */

struct secret_line {
	struct object service, secret, tenant, above;
};

static int find_secret(struct txn *txn, int64_t service, int64_t secret, struct secret_line *ret)
{
	int r = txn_peek(txn, service, &ret->service);

	if (r == 0)
		r = txn_peek(txn, secret, &ret->secret);
	if (r == 0)
		r = txn_peek(txn, ret->secret.tenant, &ret->tenant);
	return r == 0 ? txn_peek(txn, ret->secret.parent, &ret->above) : r;
}

static void put_secret(const struct secret_line *about, const char *operation, struct buf *out)
{
	buf_printf(out, " operation=%s path=", operation);
	buf_put_word(out, about->tenant.name);
	if (about->secret.kind == KIND_OUTPUT) {
		buf_puts(out, "/resources/");
		buf_put_word(out, about->above.name);
		buf_putc(out, '/');
	} else {
		buf_puts(out, "/secrets/");
	}
	buf_put_word(out, about->secret.name);
	buf_printf(out, " generation=%" PRId64 " service=", about->secret.generation);
	buf_put_word(out, about->service.name);
	buf_puts(out, " outcome=accepted");
}

static int insert_secret(struct txn *txn, int64_t place, const struct buf *line)
{
	return line->error ? txn_fail(txn, line->error) : insert_line(txn, place, line);
}

int txn_audit_given(struct txn *txn, int64_t service, int64_t secret)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	struct secret_line about;
	int r = find_secret(txn, service, secret, &about);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	put_time(txn->now_ns, &line);
	buf_puts(&line, " uid=0 gid=0 pid=0 program=duplofs");
	put_secret(&about, "give", &line);
	return insert_secret(txn, AUDIT_PLATFORM, &line);
}

static void put_number(const char *name, int64_t number, struct buf *out)
{
	if (number < 0)
		buf_printf(out, " %s=-", name);
	else
		buf_printf(out, " %s=%" PRId64, name, number);
}

int txn_audit_read(struct txn *txn, int64_t service, int64_t secret,
	const struct audit_reader *reader)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	struct secret_line about;
	int r = find_secret(txn, service, secret, &about);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	put_time(txn->now_ns, &line);
	put_number("uid", reader->uid, &line);
	put_number("gid", reader->gid, &line);
	put_number("pid", reader->pid, &line);
	buf_puts(&line, " program=");
	buf_put_word(&line, reader->program[0] ? reader->program : "-");
	put_secret(&about, "read", &line);
	return insert_secret(txn, AUDIT_READS(about.tenant.id), &line);
}

static int audit_print(struct connection *connection, struct buf *out)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		connection_query(connection, "SELECT line FROM audit ORDER BY id", "");
	int r;

	while ((r = connection_step(connection, statement)) > 0) {
		buf_add(out, sqlite3_column_text(statement, 0),
			(size_t)sqlite3_column_bytes(statement, 0));
		buf_putc(out, '\n');
	}
	return r < 0 ? r : out->error;
}

int store_audit(struct store *store, struct buf *out)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? audit_print(connection, out) : -EIO;

	reader_give(store, connection);
	return r;
}

int store_audit_stat(struct store *store, int64_t *ret_size, int64_t *ret_wall_ns)
{
	struct connection *connection = reader_take(store, NULL);
	int r = -EIO;

	if (connection)
		r = connection_get_int(connection, ret_size,
			"SELECT coalesce(sum(length(line) + 1), 0) FROM audit", "");
	if (r == 0)
		r = connection_get_int(connection, ret_wall_ns,
			"SELECT wall_ns FROM audit ORDER BY id DESC LIMIT 1", "");
	if (r == -ENOENT) {
		*ret_wall_ns = 0;
		r = 0;
	}
	reader_give(store, connection);
	return r;
}
