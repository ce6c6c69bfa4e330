#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Functions that the program never calls, each with the reason.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Source;
use Test::More;

my %banned = (
	(map { $_ => 'has no bound' } qw(strcpy strcat sprintf vsprintf gets stpcpy strncpy strncat)),
	(map { $_ => 'cannot tell an error from 0' } qw(atoi atol atoll atof)),
	(map { $_ => 'keeps static state' } qw(localtime gmtime asctime ctime strtok strerror_l inet_ntoa)),
	(map { $_ => 'runs a shell' } qw(system popen)),
	(map { $_ => 'ends the process: a dead mount' } qw(abort exit assert err errx)),
	(map { $_ => 'is no synchronisation' } qw(sleep usleep nanosleep clock_nanosleep alarm)),
	(map { $_ => 'is predictable' } qw(rand random srand drand48)),
	(map { $_ => 'is on the wall clock' } qw(pthread_cond_init)),
	(map { $_ => 'can be guessed' } qw(mktemp tmpnam tempnam)),
);
# Where one of them is right, and why.
my %allowed = (
	'backend/agent/agent.c' => {exit => 'a program of its own, which serves no mount'},
	'backend/base/lock.c' => {abort => 'reports a broken lock order, in checking builds only',
		pthread_cond_init => 'with CLOCK_MONOTONIC, for all'},
	'backend/base/child.c' => {nanosleep => 'an adopted process cannot be waited for in another way'},
);

for my $path (grep { m{^(?:fs|backend)/} } files_c()) {
	my @wrong;
	my $number = 0;
	for my $line (split /\n/, code($path)) {
		$number++;
		while ($line =~ /(?<![\w.>])(\w+)\s*\(/g) {
			next unless exists $banned{$1} && !$allowed{$path}{$1};
			push @wrong, "line $number: $1 $banned{$1}";
		}
	}
	is(join("\n", @wrong), '', "$path calls nothing banned");
}
done_testing();
