# SPDX-License-Identifier: MIT
#
# Options: each verb takes what its help names, refuses the rest, and says why.
# Part of run.sh.

# Name and whether it takes a value, of each option in the table of opts_table.c.
sed -n 's/^	{ "\([a-z-]*\)", [^,]*, \(NULL\|"[^"]*"\), .*/\1 \2/p' "$top/tool/opts_table.c" > options
[ "$(wc -l < options)" -ge 20 ] || wrong "the table of opts_table.c cannot be read"
result "the table of options is read"

# A value that each option takes.
value_of() {
	case $1 in
	set) echo fw_devlink=on ;;
	profile) echo weir ;;
	scenario) echo all ;;
	color) echo never ;;
	severity) echo note ;;
	format) echo html ;;
	output) echo out.html ;;
	*) echo 1 ;;
	esac
}

for verb in boot explain check replay plan lint diff timeline graph groups race live capture shell; do
	expect 0 "^usage: weir $verb" $verb --help
	grep -q '^Exit status: 0' out || wrong "$verb --help: no exit status"
	grep -q '^example: weir' out || wrong "$verb --help: no example"
	grep -q '^  --json ' out || wrong "$verb --help: no --json"
	mv out help
	while read -r name value; do
		if [ "$value" = NULL ]; then
			set -- "--$name"
		else
			set -- "--$name" "$(value_of "$name")"
		fi
		if grep -Eq "^  (-., )?--$name " help; then
			expect 0 "^usage" $verb "$@" --help
			[ "$value" = NULL ] || refuses "$name needs a value" $verb "--$name"
			[ "$value" != NULL ] || refuses "$name takes no value" $verb "--$name=1"
		else
			refuses "--$name is no option of weir $verb" $verb "$@"
		fi
	done < options
	result "$verb: --help names the options that it takes"
done
while read -r name value; do
	for verb in boot explain check replay plan lint diff timeline graph groups race live capture shell; do
		timeout 10 "$weir" $verb --help
	done | grep -Eq "^  (-., )?--$name " || wrong "no verb has --$name"
done < options
result "every option belongs to a verb"

expect 0 "^usage: weir VERB" --help
expect 0 "^usage: weir VERB" help
expect 0 "^weir [0-9]" --version
expect 2 "^usage: weir VERB"
refuses "no verb 'frobnicate'" frobnicate
refuses "no verb 'bot'; did you mean boot" bot
expect 0 "^usage: weir explain" help explain
refuses "unknown option --ovrlay; did you mean --overlay" boot "$demo" --ovrlay x
refuses "json takes no value" boot "$demo" --json=1
refuses "unknown option --nix" boot --nix
refuses "unknown option -x" check -x
refuses "unknown option -x" boot -vx
refuses "one board is needed" boot
refuses "one board is needed" boot a b
refuses "unexpected argument 'c'" boot a b c
refuses "a board and a device" explain "$demo"
refuses "one directory" check
refuses "one event log" replay
result "verbs, unknown options, missing and superfluous arguments"

refuses "fw_devlink=" boot "$demo" --set frob=1
refuses "fw_devlink=" boot "$demo" --set fw_devlink
refuses "fw_devlink=sideways: .*permissive" boot "$demo" --set fw_devlink=sideways
refuses "strict=maybe" boot "$demo" --set fw_devlink.strict=maybe
refuses "sync_state=never" boot "$demo" --set fw_devlink.sync_state=never
refuses "timeout=soon" boot "$demo" --set deferred_probe_timeout=soon
refuses "timeout=" boot "$demo" --set deferred_probe_timeout=
refuses "linux-6.12, weir" boot "$demo" --profile linux
refuses "boot .*builtin .*all" boot "$demo" --scenario none
refuses "a number" boot "$demo" --until soon
refuses "a number" boot "$demo" --until -1
refuses "a number" boot "$demo" --until nan
refuses "a number" boot "$demo" --until inf
refuses "a number" boot "$demo" --until ''
refuses "a number" boot "$demo" --probe-time 1ms
refuses "0 to 64" boot "$demo" --threads 65
refuses "whole number" boot "$demo" --threads 1.5
refuses "whole number" check . --jobs 0.5
refuses "auto, always, never" boot "$demo" --color sometimes
refuses "exclude each other" boot "$demo" --kernel . --drivers "$drivers"
refuses "image needs --kernel" boot "$demo" --image "$demo"
set --
while [ $# -lt 130 ]; do
	set -- "$@" --deny nobody
done
refuses "more than 64" boot "$demo" "$@"
result "bad values"
