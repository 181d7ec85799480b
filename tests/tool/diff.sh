# SPDX-License-Identifier: MIT
#
# weir diff: two trees, and one tree with other drivers, modules or parameters. Part of
# run.sh; uses the kernel of kernel.sh.

uses kernel

expect 0 "no difference: 21 devices" diff "$demo" --drivers "$drivers"
expect 0 "no difference" diff "$demo" "$demo" --drivers "$drivers"
result "diff: twice the same"

expect 1 "up on A, not on B:" diff soc.dtb --kernel kernel --set $forever -- --deny clk-soc
grep -q " because of 1: clock .*: module clk_soc is denied" out || wrong "cause: $(cat out)"
grep -q "^  /tv$" out || wrong "/tv is held back: $(cat out)"
grep -q "^B: .* --deny clk-soc$" out || wrong "what is different: $(cat out)"
expect 0 "changes" diff soc.dtb --kernel kernel --set $forever --deny clk-soc --json
python3 "$here/schema.py" "$top/docs/json.md" diff out >> wrong || wrong "diff --json"
mv out denied.json
result "diff: a module that is denied"

python3 - <<'END' >> wrong || wrong "the same in JSON: $(head -c 500 denied.json)"
import json
doc = json.load(open('denied.json'))
assert doc['changes'] == [] and doc['a']['devices'] == doc['b']['devices']
END
run diff soc.dtb --kernel kernel --set $forever --json -- --deny clk-soc
python3 "$here/schema.py" "$top/docs/json.md" diff out >> wrong || wrong "diff --json"
python3 - <<'END' >> wrong || wrong "changes: $(head -c 900 out)"
import json
changes = {c['path']: c for c in json.load(open('out'))['changes']}
assert changes['/tv']['change'] == 'worse' and changes['/tv']['a']['verdict'] == 'bound'
assert 'clk_soc is denied' in changes['/tv']['b']['root'] and changes['/tv']['a']['root'] is None
END
result "diff: JSON"

expect 1 "up on B, not on A:" diff "$demo" --drivers "$drivers" --set deferred_probe_timeout=-1 -- \
	--set deferred_probe_timeout=3
grep -q "3 because of 1: clock-controller@2010000 .*no driver" out || wrong "cause: $(cat out)"
sed '/demo-camera/d' "$drivers" > fewer.drivers
expect 1 "because of 1: camera@6000000 .*no driver" diff "$demo" --drivers "$drivers" -- --drivers fewer.drivers
result "diff: parameters, and drivers"

# behind "--" another kernel takes the place of the first, and is not one more part of it
cp -r kernel kernel-new
expect 0 "no difference" diff soc.dtb --kernel kernel -- --kernel kernel-new
printf 'disp@6 acme,disp\n' > disp.drivers
expect 1 "^B: .*drivers disp.drivers" diff soc.dtb --kernel kernel -- --drivers disp.drivers
expect 1 "^B: .*kernel 6" diff soc.dtb --drivers disp.drivers -- --kernel kernel
refuses "two directories of a kernel" diff soc.dtb --kernel kernel -- --kernel kernel --kernel kernel-new
refuses "two directories of a kernel" diff soc.dtb --kernel kernel --kernel kernel-new
result "diff: another kernel in place of the first"

sed 's/tv {/tv2 {/' soc.dts > soc2.dts
compile soc2.dts soc2.dtb
expect 1 "no device any more:" diff soc.dtb soc2.dtb
grep -A 1 "no device before:" out | grep -q "^  /tv2$" || wrong "new: $(cat out)"
expect 1 "no device any more:" diff soc.dtb -- soc2.dtb
refuses "one board or two" diff
refuses "one board or two|unexpected argument" diff soc.dtb soc2.dtb -- soc.dtb
refuses "No such file|no such file" diff soc.dtb none.dtb
refuses "is no option" diff soc.dtb -- --severity note
result "diff: two trees, and bad usage"
