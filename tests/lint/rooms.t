#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Who may include whom. A room sees itself and the rooms in its row; fs and reconcile never see each
# other: they meet in the store's feed, and both ask plan, so that what `plan` says is what is
# done. Only fs/main.c, where all is put together, sees everything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Source;
use Test::More;

my %sees = (
	base => [],
	model => [qw(base)],
	store => [qw(base model)],
	billing => [qw(base model store)],
	plan => [qw(base model)],
	net => [qw(base)],
	engine => [qw(base net)],
	agent => [], # a program of its own, for other machines
	aws => [qw(base net)], # the protocols of AWS; what is made with them is cloud's matter
	cloud => [qw(base model net aws)], # of the model: the administrator's policy
	observe => [qw(base net)],
	reconcile => [qw(base model store billing plan net engine cloud observe)],
	fs => [qw(base model store billing plan)],
);
# Libraries that only one room may know.
my %owner = (
	'sqlite3.h' => 'store',
	'curl/curl.h' => 'net',
	'expat.h' => 'aws',
	'fuse3/' => 'fs',
	'fuse_' => 'fs',
);

sub room {
	my ($path) = @_;
	return $path =~ m{^backend/([a-z]+)/} ? $1 : $path =~ m{^fs/} ? 'fs' : undef;
}

sub target {
	my ($from, $include) = @_;
	return $1 if $include =~ m{^([a-z]+)/} && exists $sees{$1};
	return room($from) if $include !~ m{/};
	return undef;
}

for my $path (grep { defined room($_) } files_c()) {
	my $room = room($path);
	my @wrong;
	for my $line (split /\n/, slurp($path)) {
		if ($line =~ /^\s*#\s*include\s+"([^"]+)"/) {
			my $target = target($path, $1);
			push @wrong, "$1 is in no room" if !defined $target;
			next if !defined $target || $path eq 'fs/main.c';
			push @wrong, "$room may not include $1"
				if $target ne $room && !grep { $_ eq $target } @{$sees{$room}};
		} elsif ($line =~ /^\s*#\s*include\s+<([^>]+)>/) {
			for my $library (keys %owner) {
				push @wrong, "<$1> is for $owner{$library} alone"
					if index($1, $library) == 0 && $room ne $owner{$library};
			}
		}
	}
	is(join("\n", @wrong), '', "$path includes what its room may see");
}
done_testing();
