# SPDX-License-Identifier: MIT
#
# The event log: the same each time, and its replay gives the same verdicts whatever the
# number of probe threads. Part of run.sh.

ls "$cases"/*.dts | awk 'NR % 8 == 1' | head -n 10 > picked
[ "$(wc -l < picked)" = 10 ] || wrong "not 10 trees in tests/cases"
n=0
while read -r source; do
	n=$((n + 1))
	compile "$source" "case$n.dtb"
	echo "case$n.dtb"
done < picked > trees
cp "$demo" demo.dtb
echo demo.dtb >> trees

for profile in linux-6.12 weir; do
	while read -r tree; do
		set -- --profile $profile
		[ $tree != demo.dtb ] || set -- "$@" --drivers "$drivers"
		run boot $tree "$@" --events log -v
		[ $status -le 1 ] || wrong "$tree: $(cat err)"
		mv out first
		run boot $tree "$@" --events again -v
		cmp -s first out || wrong "$tree, $profile: other output the second time"
		cmp -s log again || wrong "$tree, $profile: another log the second time"
		run boot $tree "$@" --json && mv out first
		mv out first 2> /dev/null
		run boot $tree "$@" --json
		cmp -s first out || wrong "$tree, $profile: other JSON the second time"
		for threads in 0 1 2 8; do
			expect 0 "[1-9][0-9]* verdicts, 0 differ|^0 verdicts, 0 differ" replay log --threads $threads
			[ $status = 0 ] || wrong "$tree, $profile, $threads threads: $(cat out err)"
		done
		mv log "log.$profile.$tree"
	done < trees
	result "$profile: 11 trees, each twice the same, replayed with 0, 1, 2 and 8 threads"
done

log=log.weir.demo.dtb
sed '$s/waits-node/bound/' $log > other
expect 1 "modem@7000000: was bound, is waits-node" replay other
grep -q ", 1 differ" out || wrong "$(cat out)"
expect 1 '"is": "waits-node"|"was": "bound"' replay other --json
python3 "$here/schema.py" "$top/docs/json.md" replay out >> wrong || wrong "replay --json"
python3 - <<'END' 2>> wrong || wrong "replay --json: $(cat out)"
import json
doc = json.load(open('out'))
assert doc['differ'] == [{'device': '/soc@0/modem@7000000', 'was': 'bound', 'is': 'waits-node'}], doc
assert doc['profile'] == 'weir' and doc['threads'] == 0 and doc['verdicts'] > 20
END
expect 0 '"differ": \[\]' replay $log --threads 2 --json
python3 "$here/schema.py" "$top/docs/json.md" replay out >> wrong || wrong "replay --json"
sed '1s/weir,demo-uart/weir,nothing/' $log > other
expect 1 "serial@2100000: was bound, is no-driver" replay other
result "a replay that comes to other verdicts says which"

refuses "nowhere: No such file" replay nowhere
refuses "not a whole log|directory" replay .
: > empty
refuses "empty: .*header" replay empty
sed '$d' $log > other
refuses "other: .*verdicts" replay other
sed 1d $log > other
refuses "other: .*header" replay other
head -c 3000 $log > other
refuses "other:" replay other
sed '1s/"version":1/"version":2/' $log > other
refuses "other:1: .*version" replay other
sed '1s/"fw_devlink":[0-9]/"fw_devlink":9/' $log > other
refuses "other:1: .*out of range" replay other
refuses "demo.dtb:1: " replay demo.dtb
mv demo.dtb moved.dtb
refuses "demo.dtb: No such file" replay $log
compile "$cases/phandles.dts" demo.dtb
refuses "demo.dtb: .*recorded" replay $log
result "logs that are none, or whose board is not there or another"
