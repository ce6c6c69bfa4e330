/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cloud/cloud.h"
#include "cloud/estate.h"
#include "engine/engine.h"
#include "fs/process/check.h"
#include "fs/fs.h"
#include "fs/process/launch.h"
#include "fs/process/options.h"
#include "fs/process/supervisor.h"
#include "fs/process/upgrade.h"
#include "fs/process/worker.h"
#include "reconcile/reconcile.h"
#include "store/store.h"

#define MAIN_USAGE 2 /* exit status */

#define PLATFORM_PORT_LOW  20000
#define PLATFORM_PORT_HIGH 29999

/* All that one worker runs. */
struct platform {
	const struct options *options;
	char runtime[PATH_MAX], view[PATH_MAX], cloud_dir[PATH_MAX], logs[PATH_MAX];
	char inquiries[PATH_MAX];
	char engine_keys[PATH_MAX], engine_ca[PATH_MAX], engine_client[PATH_MAX];
	struct store *store;
	struct fs *fs;
	struct engine *engine;
	struct cloud *cloud;
	struct estate *estate;
	struct reconciler *reconciler;
};

static int platform_path(char *path, const char *dir, const char *name, struct error *reterr)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return error_set(reterr, -ENAMETOOLONG, "path too long: %s", dir);
	return 0;
}

static int platform_paths(struct platform *platform, const struct worker_context *context,
	struct error *reterr)
{
	int r = platform_path(platform->view, context->runtime, "view", reterr);

	if (r == 0)
		r = platform_path(platform->cloud_dir, context->runtime, "cloud", reterr);
	if (r == 0)
		r = platform_path(platform->logs, context->options->state, "logs", reterr);
	if (r == 0)
		r = platform_path(platform->inquiries, context->runtime, "inquiries", reterr);
	if (r == 0)
		r = platform_path(platform->engine_keys, context->options->state, "engines",
			reterr);
	if (r == 0)
		r = platform_path(platform->engine_ca, platform->engine_keys, CLOUD_ENGINE_CA,
			reterr);
	if (r == 0)
		r = platform_path(platform->engine_client, platform->engine_keys,
			CLOUD_ENGINE_CLIENT, reterr);
	if (r == 0)
		r = file_mkdirs(platform->logs, 0700, reterr);
	(void)snprintf(platform->runtime, sizeof(platform->runtime), "%s", context->runtime);
	return r;
}

static int platform_open(const struct worker_context *context, void **ret, void **ret_userdata,
	struct error *reterr)
{
	static struct platform platform;
	struct store_options store = {.dir = context->options->state};
	struct fs_options fs = {
		.runtime_dir = platform.runtime,
		.state_dir = context->options->state,
		.logs_dir = platform.logs,
		.inquiry_dir = platform.inquiries,
		.cloud = context->options->cloud,
		.mountpoint = context->options->mountpoint,
		.mount = context->mount,
	};
	int r = platform_paths(&platform, context, reterr);

	platform.options = context->options;
	if (r == 0)
		r = store_open(&platform.store, &store, reterr);
	if (r == 0)
		r = store_tokens_open(platform.store, context->mount, reterr);
	fs.store = platform.store;
	if (r == 0)
		r = fs_new(&platform.fs, &fs, reterr);
	if (r < 0)
		return r;
	*ret = &platform;
	*ret_userdata = platform.fs;
	return 0;
}

static int platform_attach(void *arg, struct fuse_session *fuse, struct error *reterr)
{
	struct platform *platform = arg;

	return fs_attach(platform->fs, fuse, reterr);
}

static int platform_start_cloud(struct platform *platform, bool simulated, struct error *reterr)
{
	const struct options *options = platform->options;
	struct cloud_local_options local = {
		.state_dir = options->state,
		.runtime_dir = platform->cloud_dir,
		.lb_range = options->lb_range,
		.dns_listen = options->dns_listen,
		.domain = options->domain,
		.platform = store_platform(platform->store),
	};
	const char *name = store_platform(platform->store);
	const struct cloud_aws_options aws = {
		.platform = name,
		.port_low = PLATFORM_PORT_LOW,
		.port_high = PLATFORM_PORT_HIGH,
		.engine_keys_dir = platform->engine_keys,
	};
	int r;

	if (simulated) {
		r = engine_simulated_new(&platform->engine, name, options->latency_ms, reterr);
		return r < 0 ? r
			     : cloud_simulated_new(&platform->cloud, options->latency_ms, reterr);
	}
	r = engine_docker_new(&platform->engine, options->docker, name, reterr);
	if (r == 0 && strcmp(options->cloud, "aws") == 0)
		return cloud_aws_new(&platform->cloud, &platform->estate, &aws, reterr);
	return r < 0 ? r : cloud_local_new(&platform->cloud, &local, reterr);
}

/* Of a host beside this machine. */
static int platform_engine(void *arg, struct engine **ret, const char *url, struct error *reterr)
{
	const struct platform *platform = arg;
	const char *name = store_platform(platform->store);
	const struct engine_tls tls = {platform->engine_ca, platform->engine_client};

	if (strcmp(platform->options->cloud, "simulated") == 0)
		return engine_simulated_new(ret, name, platform->options->latency_ms, reterr);
	return engine_docker_new_tls(ret, url, &tls, name, reterr);
}

static int platform_start(void *arg, struct error *reterr)
{
	struct platform *platform = arg;
	bool simulated = strcmp(platform->options->cloud, "simulated") == 0;
	int r = platform_start_cloud(platform, simulated, reterr);
	struct reconciler_options reconciler = {
		.store = platform->store,
		.engine = platform->engine,
		.engine_url = simulated ? NULL : platform->options->docker,
		.engine_new = platform_engine,
		.engine_arg = platform,
		.host_grace_s = (int)platform->options->host_grace_s,
		.sweep_s = (int)platform->options->sweep_s,
		.cloud = platform->cloud,
		.estate = platform->estate,
		.cloud_name = platform->options->cloud,
		.view_dir = platform->view,
		.logs_dir = platform->logs,
		.inquiry_dir = platform->inquiries,
		.host_address = "127.0.0.1",
		.port_low = PLATFORM_PORT_LOW,
		.port_high = PLATFORM_PORT_HIGH,
		.simulated = simulated,
	};

	return r < 0 ? r : reconciler_start(&platform->reconciler, &reconciler, reterr);
}

static void platform_stop(void *arg, bool keep)
{
	struct platform *platform = arg;

	if (platform->estate)
		platform->estate->ops->stop(platform->estate);
	reconciler_stop(platform->reconciler);
	estate_free(TAKE(platform->estate));
	engine_free(TAKE(platform->engine));
	cloud_free(TAKE(platform->cloud), keep);
}

static void platform_detach(void *arg)
{
	struct platform *platform = arg;

	fs_free(TAKE(platform->fs));
}

static void platform_close(void *arg)
{
	struct platform *platform = arg;

	engine_free(TAKE(platform->engine));
	cloud_free(TAKE(platform->cloud), true);
	store_close(TAKE(platform->store));
	reconciler_free(TAKE(platform->reconciler));
}

static int main_help(void)
{
	_cleanup_buf_ struct buf rows = BUF_INIT;

	options_help(&rows);
	(void)printf("usage: duplofs [options] MOUNTPOINT\n"
		     "       duplofs check [-o ...]\n"
		     "       duplofs upgrade MOUNTPOINT\n"
		     "       duplofs --help | --version\n"
		     "\n"
		     "Mounts a platform: tenants, their services and what these need, as files.\n"
		     "umount MOUNTPOINT stops it; containers keep running.\n"
		     "\n"
		     "  -f  stay in the foreground\n"
		     "  -d  the same, and say more\n"
		     "%s",
		buf_string(&rows));
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int main_fail(const struct error *error, int status)
{
	(void)fprintf(stderr, "duplofs: %s\n", error->text);
	return status;
}

static int main_run(struct options *options)
{
	const struct holder_service holder = {&fs_operations, fs_operations_size};
	const struct worker_service worker = {
		.operations = &fs_operations,
		.operations_size = fs_operations_size,
		.open = platform_open,
		.attach = platform_attach,
		.start = platform_start,
		.stop = platform_stop,
		.detach = platform_detach,
		.close = platform_close,
	};
	struct error error = ERROR_INIT;

	switch (options->action) {
	case OPTIONS_HELP:
		return main_help();
	case OPTIONS_VERSION:
		return puts("duplofs " DUPLOFS_VERSION) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE
										   : EXIT_SUCCESS;
	case OPTIONS_MOUNT:
		return launch(options, &holder);
	case OPTIONS_WORKER:
		return worker_run(options, &worker);
	case OPTIONS_HOLDER:
		return holder_adopt(options, &error) < 0 ? main_fail(&error, EXIT_FAILURE)
							 : EXIT_SUCCESS;
	case OPTIONS_SUPERVISOR:
	case OPTIONS_SUCCESSOR:
		return supervisor_run(options, &error) < 0 ? main_fail(&error, EXIT_FAILURE)
							   : EXIT_SUCCESS;
	case OPTIONS_UPGRADE:
		return upgrade_ask(options, &error) < 0 ? main_fail(&error, EXIT_FAILURE)
							: EXIT_SUCCESS;
	case OPTIONS_TRIAL:
		return upgrade_try(options, store_probe);
	case OPTIONS_CHECK:
		return check(options, stdout) && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct options options;
	struct error error = ERROR_INIT;

	if (options_parse(&options, argc, argv, &error) < 0)
		return main_fail(&error, MAIN_USAGE);
	log_open("duplofs", options.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		options.action >= OPTIONS_HOLDER && !options.foreground);
	return main_run(&options);
}
