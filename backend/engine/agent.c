/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/agent.h"

__asm__(".section .rodata\n"
	"agent_begin: .incbin \"" AGENT_FILE "\"\n"
	"agent_end:\n"
	".previous\n");

extern const char agent_begin[], agent_end[];

const void *agent_program(size_t *ret_len)
{
	*ret_len = (size_t)(agent_end - agent_begin);
	return agent_begin;
}
