/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/user_data.h"

#include <errno.h>
#include <string.h>

#define TO_TEXT_(x) #x
#define TO_TEXT(x)  TO_TEXT_(x)

/* The mirror may not be reachable in the first moments of a machine. */
static const char install[] = "if ! command -v dockerd >/dev/null; then\n"
			      "	tries=0\n"
			      "	until install_docker; do\n"
			      "		tries=$((tries + 1))\n"
			      "		[ $tries -lt 30 ] || exit 1\n"
			      "		sleep 10\n"
			      "	done\n"
			      "fi\n";

static const char install_docker[] = "install_docker() {\n"
				     "	if command -v apt-get >/dev/null; then\n"
				     "		export DEBIAN_FRONTEND=noninteractive\n"
				     "		apt-get -q update && apt-get -qy install "
				     "--no-install-recommends docker.io iptables\n"
				     "	elif command -v dnf >/dev/null; then\n"
				     "		dnf -qy install docker\n"
				     "	else\n"
				     "		yum -qy install docker\n"
				     "	fi\n"
				     "}\n";

static const char options[] =
	"options=\"-H tcp://0.0.0.0:" TO_TEXT(USER_DATA_ENGINE) " --tlsverify"
								" --tlscacert=$dir/ca.pem "
								"--tlscert=$dir/engine.pem "
								"--tlskey=$dir/engine.key\"\n";

/* systemd hands over the local socket; System V's script takes options from a file. */
static const char start[] = "if [ -d /run/systemd/system ]; then\n"
			    "	mkdir -p /etc/systemd/system/docker.service.d\n"
			    "	printf '[Service]\\nExecStart=\\nExecStart=%s -H fd:// %s\\n' "
			    "\"$(command -v dockerd)\" \"$options\" \\\n"
			    "		>/etc/systemd/system/docker.service.d/duplofs.conf\n"
			    "	systemctl daemon-reload\n"
			    "	systemctl enable docker\n"
			    "	systemctl restart docker\n"
			    "else\n"
			    "	grep -qs duplofs /etc/default/docker ||\n"
			    "		echo \"DOCKER_OPTS=\\\"\\$DOCKER_OPTS -H "
			    "unix:///var/run/docker.sock $options\\\" # duplofs\" \\\n"
			    "			>>/etc/default/docker\n"
			    "	/etc/init.d/docker stop || true\n"
			    "	/etc/init.d/docker start\n"
			    "fi\n";

/* The platform may enlarge the disk of a machine that runs: its file system follows. Without
 * growpart it does so at the next boot, as cloud-init does. */
static const char grow[] = "cat >$dir/grow <<'END'\n"
			   "part=$(findmnt -no SOURCE /)\n"
			   "disk=$(lsblk -no PKNAME \"$part\")\n"
			   "number=$(cat \"/sys/class/block/${part##*/}/partition\")\n"
			   "growpart \"/dev/$disk\" \"$number\"\n"
			   "case $(findmnt -no FSTYPE /) in\n"
			   "ext*) resize2fs \"$part\" ;;\n"
			   "xfs) xfs_growfs / ;;\n"
			   "btrfs) btrfs filesystem resize max / ;;\n"
			   "esac\n"
			   "END\n"
			   "if [ -d /run/systemd/system ]; then\n"
			   "	cat >/etc/systemd/system/duplofs-grow.service <<'END'\n"
			   "[Service]\n"
			   "Type=oneshot\n"
			   "ExecStart=/bin/sh /etc/duplofs/grow\n"
			   "SuccessExitStatus=0-255\n"
			   "END\n"
			   "	cat >/etc/systemd/system/duplofs-grow.timer <<'END'\n"
			   "[Timer]\n"
			   "OnBootSec=60\n"
			   "OnUnitActiveSec=60\n"
			   "[Install]\n"
			   "WantedBy=timers.target\n"
			   "END\n"
			   "	systemctl daemon-reload\n"
			   "	systemctl enable --now duplofs-grow.timer\n"
			   "fi\n";

/* PEM has no line that could end it. */
static void add_file(struct buf *out, const char *name, const char *pem)
{
	buf_printf(out, "cat >$dir/%s <<'END'\n%sEND\n", name, pem);
}

int user_data_print(const struct user_data *data, struct buf *out, struct error *reterr)
{
	size_t before = out->len;

	buf_printf(out,
		"#!/bin/sh\n"
		"# Makes this machine host %s of tenant %s, for the platform %s of duplofs.\n"
		"set -eu\n"
		"umask 077\n"
		"dir=/etc/duplofs\n"
		"mkdir -p $dir\n",
		data->host, data->tenant, data->platform);
	add_file(out, "ca.pem", data->authority);
	add_file(out, "engine.pem", data->certificate);
	add_file(out, "engine.key", data->key);
	buf_printf(out, "umask 022\n%s%s%s%s%s", install_docker, install, options, start, grow);
	if (out->error)
		return error_oom(reterr);
	if (out->len - before > USER_DATA_MAX)
		return error_set(reterr, -E2BIG, "the start-up script of host %s is too long",
			data->host);
	return 0;
}
