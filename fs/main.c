/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

int main(void)
{
	(void)puts("duplofs " DUPLOFS_VERSION);
	return 0;
}
