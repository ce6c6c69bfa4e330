/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - the program of backend/agent, carried within this one: static, for this machine's kind of
 *         processor.
 * Promises: what is given is the whole file.
 * Threads: no state.
 * Ownership: lives as long as the program.
 */
#ifndef DUPLOFS_ENGINE_AGENT_H
#define DUPLOFS_ENGINE_AGENT_H

#include <stddef.h>

const void *agent_program(size_t *ret_len);

#endif
