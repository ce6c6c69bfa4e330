#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Files of at most 600 lines, functions of at most 60, lines of at most 100 columns (a tab is 8).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Source;
use Test::More;

my ($FILE_MAX, $FUNCTION_MAX, $COLUMNS_MAX) = (600, 60, 100);

sub columns {
	my ($line) = @_;
	1 while $line =~ s/\t+/' ' x (length($&) * 8 - length($`) % 8)/e;
	return length($line);
}

# With the brace style of .clang-format only a function opens and closes in the first column.
sub long_functions {
	my @lines = @_;
	my ($start, @long);
	for my $i (0 .. $#lines) {
		$start = $i if $lines[$i] eq '{';
		next unless $lines[$i] eq '}' && defined $start;
		my $length = $i - $start - 1;
		my $name = ($lines[$start - 1] . ($start > 1 ? $lines[$start - 2] : '')) =~ /(\w+)\(/ ? $1 : '?';
		push @long, "$name has $length lines" if $length > $FUNCTION_MAX;
		$start = undef;
	}
	return @long;
}

for my $path (files_c()) {
	my @lines = split /\n/, slurp($path);
	my @wrong = long_functions(@lines);
	push @wrong, scalar(@lines) . ' lines' if @lines > $FILE_MAX;
	push @wrong, map { 'line ' . ($_ + 1) . ' is too wide' }
		grep { columns($lines[$_]) > $COLUMNS_MAX } 0 .. $#lines;
	is(join("\n", @wrong), '', "$path is of a size to read");
}
done_testing();
