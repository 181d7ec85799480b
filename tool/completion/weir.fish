# SPDX-License-Identifier: MIT
# fish completion of weir(1): verbs and options are those that weir itself tells of.

function __weir_verbs
	weir --help 2> /dev/null | string replace -rf '^  ([a-z]+)  +(.*)' '$1\t$2'
end

function __weir_options
	set -l verb (commandline -opc)[2]
	weir $verb --help 2> /dev/null | string replace -rf '^  (?:-[a-z], )?(--[a-z-]+) *[A-Z=.a-z]*  +(.*)' '$1\t$2'
end

complete -c weir -n __fish_use_subcommand -f -a '(__weir_verbs)'
complete -c weir -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f -a '(__weir_options)'
