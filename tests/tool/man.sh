# SPDX-License-Identifier: MIT
#
# Manual pages, completions and --help say the same. Part of run.sh.

python3 "$top/scripts/manpage.py" --check "$weir" "$top" > out 2>&1 || wrong "$(cat out)"
result "weir.1, the completions of bash, zsh and fish, and --help know the same verbs, options and words"

# the check itself finds what is missing, on either side
mkdir -p man-other/docs/man man-other/tool/completion
for change in "docs/man/weir.1|/^.It Fl -overlay/d;/^.Fl -overlay/d|--overlay is missing" \
	"docs/man/weir.1|s/-baseline/-basement/|--basement is no option" \
	"docs/man/weir.1|s/^.It Fl -deny Ar MODULE/.It Fl -deny Ar NAME/|--deny takes MODULE, not NAME" \
	"tool/completion/weir.bash|s/ timeline graph/ graph/|verbs:.*timeline" \
	"tool/completion/weir.bash|s/note warning error/note error/|--severity: takes .*warning" \
	"tool/completion/weir.fish|s/(--\\[a-z/(--[b-y/|fish: " \
	"tool/completion/_weir|s/--\\[a-z/--[b-y/|zsh: "; do
	file=${change%%|*}
	said=${change##*|}
	edit=${change#*|}
	cp "$top/docs/man/weir.1" man-other/docs/man
	cp "$top"/tool/completion/* man-other/tool/completion
	sed -i "${edit%|*}" "man-other/$file"
	cmp -s "$top/$file" "man-other/$file" && wrong "$change: nothing is changed"
	python3 "$top/scripts/manpage.py" --check "$weir" "$work/man-other" > out 2>&1 && wrong "$change: not found"
	grep -Eq -e "$said" out || wrong "$change: said is $(cat out)"
done
result "what only one of them knows is found"

for verb in boot explain check replay plan lint diff timeline graph groups race live capture shell; do
	run $verb --help
	python3 "$top/scripts/manpage.py" "$weir" $verb weir-$verb.1 2> err || wrong "$verb: $(cat err)"
	if command -v groff > /dev/null; then
		groff -man -Tutf8 -ww weir-$verb.1 > page 2> err
		[ ! -s err ] || wrong "$verb: groff: $(head -n 3 err)"
		[ "$(grep -c . page)" -gt 20 ] || wrong "$verb: an empty page"
	fi
	sed -n 's/^  \(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' out | while read -r option; do
		grep -q "fB.-.-$(echo "$option" | sed 's/-/.-/g').fR" weir-$verb.1 || echo "$verb: no $option"
	done >> wrong
done
result "a page for each verb, made of its help"
