#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the documents say exists: make targets, files, options, spec fields, packages.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Source;
use Test::More;

my $makefile = slurp('Makefile');
my ($readme, $man5, $man8) = map { slurp($_) } qw(README.md fs/man/duplofs.5 fs/man/duplofs.8);

sub missing {
	my ($name, @missing) = @_;
	is(join("\n", @missing), '', $name);
}

for my $path (qw(README.md tests/README.md)) {
	my $text = slurp($path);
	my %targets = map { $_ => 1 } grep { defined } $text =~ /^make ([a-z-]+)|`make ([a-z-]+)|  make ([a-z-]+)/mg;
	missing("$path: each make target is there", grep { $makefile !~ /^[^#\n]*\b\Q$_\E\b[^:\n]*:/m } sort keys %targets);
	my %paths = map { $_ => 1 } $text =~ m{`((?:fs|backend|tests|examples|\.ci)/[\w./-]*)`}g;
	missing("$path: each file is there", grep { !-e } sort keys %paths);
}

# Packages, as the Makefile installs them.
my %packages;
for my $list ($makefile =~ /^DEPS_\w+ := ((?:.*\\\n)*.*)$/mg) {
	$packages{s/:.*//r} = 1 for grep { $_ ne '\\' } split /[\s\\]+/, $list;
}
missing('README.md says why each package is needed', grep { $readme !~ /`\Q$_\E`/ } sort keys %packages);

# Options and fields, from the tables that the program itself reads.
if (-e 'fs/process/options.c') {
	my ($rows) = slurp('fs/process/options.c') =~ /options_row rows\[\] = \{(.*?)\n\};/s;
	missing('duplofs(8) explains each option',
		grep { $man8 !~ /\b\Q$_\E\b/ } $rows =~ /^\t\{"(\w+)"/mg);
}
my $tables = join '|', qw(service host group_policy rds s3 elasticache dynamodb sqs lambda swf);
my @fields = map { slurp($_) =~ /struct field (?:$tables)_fields\[\] = \{(.*?)\n\};/gs } grep { m{^backend/model/.*\.c$} } files_c();
@fields = map { /\.name = "([A-Z]\w+)"/g } @fields;
missing('duplofs(5) explains each field of a spec', grep { $man5 !~ /\bCm .*\b\Q$_\E\b/ } @fields);

# What the environment tells.
my @told = map { slurp($_) =~ /getenv\("(\w+)"\)|"(AWS_[A-Z0-9_]+)(?:%s)?"/g } grep { m{^(?:fs|backend/(?:aws|base))/} } files_c();
@told = grep { defined && !/^(?:PATH|HOME)$/ } @told;
missing('duplofs(8) names each variable of the environment', grep { $man8 !~ /\bEv .*\b\Q$_\E/ } @told);
missing('duplofs(8) names each cloud', grep { $man8 !~ /cloud Ns = Ns Cm .*\b$_\b/ } qw(local aws simulated));
done_testing();
