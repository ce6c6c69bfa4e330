#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What other programs say of the sources: clang-format, shellcheck, mandoc; with LINT_SLOW=1 cppcheck
# and gcc's analyzer too.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Source;
use Test::More;
no warnings 'qw';

sub silent {
	my ($name, @command) = @_;
	open(my $pipe, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', @command) or die "$command[0]: $!";
	my $output = do { local $/; <$pipe> } // '';
	close($pipe);
	is($? >> 8, 0, $name) or diag($output);
}

silent("$_ is formatted", qw(clang-format --dry-run -Werror), $_) for files_c();
silent("$_ passes shellcheck", qw(shellcheck -x -P SCRIPTDIR), $_) for files_shell();
silent("$_ passes mandoc", qw(mandoc -T lint -W warning), $_) for files(qr/\.[1-9]$/);

if ($ENV{LINT_SLOW}) {
	silent('cppcheck finds nothing', qw(cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr
		--enable=warning,performance,portability -D_GNU_SOURCE -Ibackend -I. fs backend examples));
	my @flags = split ' ', `pkg-config --cflags fuse3 libcurl jansson openssl sqlite3`;
	silent("gcc -fanalyzer finds nothing in $_", qw(gcc -fanalyzer -Werror -O1 -std=gnu11 -D_GNU_SOURCE
		-D_FILE_OFFSET_BITS=64 -DDUPLOFS_VERSION="" -Ibackend -I. -c -o /dev/null), @flags, $_)
		for grep { m{^(?:fs|backend)/.*\.c$} } files_c();
}
done_testing();
