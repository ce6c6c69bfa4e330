# SPDX-License-Identifier: Apache-2.0
# Source - the files of the tree, and C text without its comments and strings.
package Source;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Find qw(find);

our @EXPORT = qw(files files_c files_shell slurp code);

chdir abs_path(dirname(__FILE__) . '/../../..') or die "no top directory: $!";

# Every file of the project by its path from the top, those whose name matches when a pattern is given.
sub files {
	my ($pattern) = @_;
	my @found = grep { -f && $_ ne '.git' } glob('* .[a-z]*');
	my @rooms = grep { -d } qw(.ci fs backend tests examples);
	find({no_chdir => 1, wanted => sub { push @found, $_ if -f && !-l }}, @rooms);
	return sort grep { !defined $pattern || /$pattern/ } @found;
}

sub files_c {
	return files(qr/\.[ch]$/);
}

# Shell files by their name or first line.
sub files_shell {
	return grep { /\.sh$/ || first_line($_) =~ m{^#!.*\b(?:ba|da)?sh\b} } files();
}

sub first_line {
	my ($path) = @_;
	open(my $file, '<', $path) or die "$path: $!";
	my $line = <$file> // '';
	return $line;
}

sub slurp {
	my ($path) = @_;
	open(my $file, '<', $path) or die "$path: $!";
	local $/;
	return <$file> // '';
}

# C text whose comments and literals are blanks; lines keep their numbers.
sub code {
	my ($path) = @_;
	my $text = slurp($path);
	$text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
		{my $gone = defined $1 ? $1 : $2; my $kept = defined $2 ? '""' : ' '; $kept . ("\n" x ($gone =~ tr/\n//))}gse;
	return $text;
}

1;
