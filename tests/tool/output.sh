# SPDX-License-Identifier: MIT
#
# What is printed: the summary of a board, JSON, colours, names. Part of run.sh.

expect 1 "Weir demonstration board" boot "$demo" --drivers "$drivers"
[ "$(wc -l < out)" -le 24 ] || wrong "$(wc -l < out) lines"
grep -q "3 came late .*clock-controller@2010000 .*no driver" out || wrong "camcc: $(cat out)"
grep -q "1 waits for 1: /regulator-modem .*compatible" out || wrong "modem: $(cat out)"
grep -A 1 "^2 do DMA without" out | grep -q "6000000.camera 6010000.codec" || wrong "DMA: $(cat out)"
expect 1 "profile weir" boot "$demo" --drivers "$drivers" --profile weir
[ "$(wc -l < out)" -le 24 ] || wrong "$(wc -l < out) lines"
grep -A 1 "3 wait for 1: clock-controller@2010000 .*no driver" out |
	grep -q "3200000.iommu 6000000.camera 6010000.codec" || wrong "camcc: $(cat out)"
grep -q "1 waits for 1: /regulator-modem .*compatible" out || wrong "modem: $(cat out)"
grep -q "DMA without" out && wrong "DMA: $(cat out)"
result "the demonstration board: both root causes in both profiles, on one screen"

expect 1 "every driver is assumed" boot "$demo"
grep -q "camcc" out && wrong "an assumed driver is missing: $(cat out)"
expect 1 "profile linux-6.12" boot "$demo" --until 5 --drivers "$drivers"
grep -q "4 wait" out || wrong "before the timeout: $(cat out)"
expect 1 "only after the 3 s timeout" boot "$demo" --drivers "$drivers" --set deferred_probe_timeout=3
expect 1 " 4 wait" boot "$demo" --drivers "$drivers" --set deferred_probe_timeout=-1
expect 1 " 4 wait" boot "$demo" --drivers "$drivers" --cmdline "quiet deferred_probe_timeout=-1"
expect 1 "bound to weir-uart" boot "$demo" --drivers "$drivers" -v
[ "$(grep -c 'modem: deferred' out)" = 1 ] || wrong "the same reason again: $(grep modem out)"
grep -q "modem: deferred: .*regulator-modem" out || wrong "no reason: $(grep modem out)"
result "assumed drivers, timeouts, the log"

for profile in linux-6.12 weir; do
	for board in "$demo"; do
		expect 1 . boot "$board" --drivers "$drivers" --profile $profile --json
		python3 "$here/schema.py" "$top/docs/json.md" boot out >> wrong || wrong "boot --json"
	done
	for device in modem camera serial /regulator-modem '&camcc'; do
		run explain "$demo" $device --drivers "$drivers" --profile $profile --json
		[ $status -le 1 ] || wrong "explain $device: $status"
		python3 "$here/schema.py" "$top/docs/json.md" explain out >> wrong || wrong "explain --json $device"
	done
	run boot "$demo" --drivers "$drivers" --profile $profile --events log
	python3 "$here/schema.py" "$top/docs/json.md" log log >> wrong || wrong "event log"
done
mkdir boards
cp "$demo" boards
expect 1 . check boards --drivers "$drivers" --json
python3 "$here/schema.py" "$top/docs/json.md" check out >> wrong || wrong "check --json"
result "JSON is as docs/json.md says"

# count KEY: of the document in out.
count() { python3 -c 'import json, sys; print(json.load(open("out"))["counts"][sys.argv[1]])' "$1"; }
run boot "$demo" --drivers "$drivers" --json
[ "$(count devices) $(count bound) $(count waiting) $(count late)" = "21 18 1 3" ] || wrong "$(head -n 20 out)"
run boot "$demo" --drivers "$drivers" --json --profile weir
[ "$(count devices) $(count bound) $(count waiting) $(count late)" = "21 15 4 0" ] || wrong "$(head -n 20 out)"
result "JSON counts what the summary says"

explain() { expect "$1" "$2" explain "$demo" "$3" --drivers "$drivers" --profile weir; }
explain 1 "root cause:.*camcc.*no driver" 6000000.camera
explain 1 "waits for its regulator \(vdd-supply\): /regulator-modem" 7000000.modem
explain 1 "waits for its regulator" /soc@0/modem@7000000
explain 1 "no compatible" /regulator-modem
explain 0 "serial@2100000.*: up" serial0
explain 0 "serial@2100000.*: up" '&uart'
explain 0 "serial@2100000.*: up" serial
explain 0 "pmic@40.*: up" pmic@40
explain 0 "in a group|IOMMU group" ethernet
explain 1 "disabled" rtc@7010000
result "a device by path, label, alias, name and end of a name"

explain 2 "no device '7000000.mode'" 7000000.mode
grep -q "did you mean 7000000.modem" err || wrong "$(cat err)"
explain 2 "no device 'camara'" camara
grep -q "did you mean .*camera" err || wrong "$(cat err)"
explain 2 "'iommu' can be any of 3" iommu
[ "$(grep -c '^  /soc@0/iommu@3' err)" = 3 ] || wrong "$(cat err)"
explain 2 "no label 'nix'" '&nix'
explain 2 "no device" /soc@0/nothing
explain 2 "no device ''" ''
explain 2 "no device" hernet
result "a miss suggests, an end that several have is told"

esc=$(printf '\033')
run boot "$demo"
grep -q "$esc" out && wrong "colours in a file"
run boot "$demo" --color always
grep -q "$esc" out || wrong "no colours with --color always"
if command -v script > /dev/null; then
	colours() { "$@" script -qec "'$weir' boot '$demo'" typescript < /dev/null | grep -c "$esc"; }
	[ "$(colours env)" -gt 0 ] || wrong "no colours on a terminal"
	[ "$(colours env NO_COLOR=1)" = 0 ] || wrong "colours in spite of NO_COLOR"
	[ "$(colours env NO_COLOR=)" -gt 0 ] || wrong "an empty NO_COLOR counts"
fi
result "colours on terminals alone, and where they are asked for"

compile "$cases/broken/interrupt-parent-loop.dts" loop.dtb
expect 0 "^finding: .*interrupt-parent" boot loop.dtb
expect 0 '"broken tree: .*interrupt-parent' boot loop.dtb --json
run explain loop.dtb c
grep -q "^finding: " out || wrong "$(cat out)"
result "what is wrong with a tree is told"

# Text that is none: names and strings of a tree that move cursors, or are no UTF-8
python3 - rude.dts <<'END'
import sys
bad = r'\xe9\x1b[31m\xc2\x9b\x7f\xff'
open(sys.argv[1], 'w').write('/dts-v1/;\n/ {\n\tmodel = "M\xc3\xa9 %s"; compatible = "a,b%s";\n'
    '\taliases { mmc0 = "/disk"; };\n'
    '\tclk: clock { compatible = "a,clk%s"; status = "no%s"; #clock-cells = <0>; };\n'
    '\tpin: xxxxxxxx { compatible = "a,pin"; #phy-cells = <0>; };\n'
    '\tdisk { compatible = "a,disk%s"; clocks = <&clk>; clock-names = "%s"; phys = <&pin>; phy-names = "%s"; };\n};\n'
    .encode('latin-1').decode('utf-8') % ((bad,) * 7))
END
compile rude.dts rude.dtb
# dtc takes no such name of a node; a boot loader may
LC_ALL=C sed 's/xxxxxxxx/x\xff\x1b[1m\xe9x/' rude.dtb > rude2.dtb
printf 'disk@6 a,disk\n' > rude.drivers
for verb in boot lint groups graph timeline "explain" "plan"; do
	case $verb in
	explain) set -- explain rude2.dtb /disk --drivers rude.drivers ;;
	plan) set -- plan rude2.dtb --drivers rude.drivers --for /disk ;;
	graph | timeline) set -- $verb rude2.dtb --format json --drivers rude.drivers ;;
	groups) set -- groups rude2.dtb ;;
	*) set -- $verb rude2.dtb --drivers rude.drivers ;;
	esac
	run "$@"
	[ $status -le 1 ] || [ $verb = plan ] || wrong "$*: status $status: $(cat err)"
	LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" out err && wrong "$*: a control character: $(od -c out | head -20)"
	iconv -f UTF-8 -t UTF-8 out > iconv.out 2>&1 || wrong "$*: no UTF-8"
	case $verb in graph | timeline) json='' ;; *) json=--json ;; esac
	run "$@" $json
	[ -s out ] || [ $verb = plan ] || wrong "$* --json: nothing: $(cat err)"
	[ ! -s out ] || python3 -c 'import json; json.load(open("out", encoding="utf-8"))' 2>> wrong || wrong "$* --json: no JSON"
done
run boot rude2.dtb --drivers rude.drivers
grep -q "^Mé ?" out || wrong "the model: $(head -1 out)"
cp rude2.dtb "$(printf 'r\377\033de.dtb')"
run boot "$(printf 'r\377\033de.dtb')" --drivers rude.drivers --json
python3 -c 'import json; json.load(open("out", encoding="utf-8"))' 2>> wrong || wrong "a file name that is no UTF-8"
result "text that is no UTF-8, and control characters, are shown as ?"
