#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What holds for every text file: licence line, clean ends of lines, the four lines atop each header.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Source;
use Test::More;

my $SPDX = 'SPDX-License-Identifier: Apache-2.0';
my $NO_LICENCE = qr{^(?:LICENSE|README\.md|\.gitignore|\.editorconfig|\.clang-format|.*\.(?:md|json|pem|txt))$
	|/corpus/|^tests/golden/|^examples/fstab$}x;

for my $path (files()) {
	next if $path eq 'LICENSE' || $path =~ m{/corpus/} || -B $path;
	my $text = slurp($path);
	my @wrong;
	push @wrong, 'no final newline' if $text !~ /\n\z/;
	push @wrong, 'ends in empty lines' if $text =~ /\n\n\z/;
	push @wrong, 'has a carriage return' if $text =~ /\r/;
	push @wrong, 'blanks at the end of line ' . (1 + substr($text, 0, $-[0]) =~ tr/\n//)
		if $text =~ /[ \t]+$/m;
	my ($top) = $text =~ /\A((?:.*\n){0,4})/;
	push @wrong, "no $SPDX on top" if $path !~ $NO_LICENCE && index($top, $SPDX) < 0;
	is(join("\n", @wrong), '', "$path is clean text");
}

for my $path (grep { m{^(?:fs|backend)/.*\.h$} } files_c()) {
	my $text = slurp($path);
	my ($name) = $path =~ m{([^/]+)\.h$};
	like($text, qr{\A/\* \Q$SPDX\E \*/\n/\*\n \* \Q$name\E - .*?\n \* Promises: .*?\n \* Threads: .*?\n \* Ownership: }s,
		"$path says what it is, promises, who calls and who owns");
	(my $guard = uc "duplofs/$path") =~ s{[^A-Z0-9]}{_}g;
	$guard =~ s/^DUPLOFS_BACKEND_/DUPLOFS_/;
	like($text, qr/^#ifndef \Q$guard\E\n#define \Q$guard\E$/m, "$path has the guard of its name");
}
done_testing();
