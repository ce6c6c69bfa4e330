/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <expat.h>
#include <stdint.h>
#include <string.h>

#include "aws/answer.h"
#include "base/buf.h"

struct reader {
	XML_Parser parser;
	struct answer *answer;
	struct answer_node *open[ANSWER_DEPTH_MAX]; /* from the root to where we are */
	size_t depth;
	struct buf text; /* of the innermost element, until its end or its first child */
	int error;
};

static void reader_fail(struct reader *reader, int error)
{
	if (!reader->error)
		reader->error = error;
	(void)XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = arg;
	const char *colon = strrchr(name, ':');
	struct answer_node *parent = reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
	struct answer_node *node;

	(void)attributes;
	if (reader->depth == ANSWER_DEPTH_MAX) {
		reader_fail(reader, -EFBIG);
		return;
	}
	name = colon ? colon + 1 : name;
	node = answer_add(reader->answer, parent, name, strlen(name));
	if (!node) {
		reader_fail(reader, reader->answer->nodes < ANSWER_NODES_MAX ? -ENOMEM : -EFBIG);
		return;
	}
	buf_reset(&reader->text);
	reader->open[reader->depth++] = node;
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct reader *reader = arg;
	struct answer_node *node;
	char *text;

	(void)name;
	if (reader->error || reader->depth == 0)
		return;
	node = reader->open[--reader->depth];
	if (!node->child && reader->text.len > 0) {
		text = answer_keep(reader->answer, reader->text.data, reader->text.len);
		if (!text || reader->text.error) {
			reader_fail(reader, -ENOMEM);
			return;
		}
		node->text = text;
	}
	buf_reset(&reader->text);
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int len)
{
	struct reader *reader = arg;

	buf_add(&reader->text, text, (size_t)len);
}

/* No answer of AWS has a document type; HTML and attempts at entities do. */
static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
	const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	reader_fail(arg, -EBADMSG);
}

static int reader_run(struct reader *reader, const char *text, size_t len, struct error *reterr)
{
	XML_Parser parser = reader->parser;

	XML_SetUserData(parser, reader);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	if (len > INT32_MAX)
		return error_set(reterr, -EFBIG, "the answer is too long");
	if (XML_Parse(parser, text, (int)len, XML_TRUE) == XML_STATUS_OK && !reader->error)
		return 0;
	if (reader->error == -ENOMEM || XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY)
		return error_oom(reterr);
	if (reader->error == -EFBIG)
		return error_set(reterr, -EFBIG, "the answer has too many elements");
	return error_set(reterr, -EBADMSG, "the answer is no whole XML document (line %lu: %s)",
		(unsigned long)XML_GetCurrentLineNumber(parser),
		reader->error ? "a document type" : XML_ErrorString(XML_GetErrorCode(parser)));
}

int answer_parse_xml(struct answer *answer, const char *text, size_t len, struct error *reterr)
{
	struct reader reader = {.answer = answer, .text = BUF_INIT};
	int r;

	answer_done(answer);
	reader.parser = XML_ParserCreate(NULL);
	if (!reader.parser)
		return error_oom(reterr);
	r = reader_run(&reader, text, len, reterr);
	XML_ParserFree(reader.parser);
	buf_done(&reader.text);
	if (r < 0)
		answer_done(answer);
	return r;
}
