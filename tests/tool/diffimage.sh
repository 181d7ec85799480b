# SPDX-License-Identifier: MIT
#
# weir diff of initramfs images: which devices come up from each alone, why not, and what
# only one of them holds. Part of run.sh; uses the board, kernel and images of initramfs.sh.

uses initramfs
rm -rf root
image a.img clk_soc disk bus
image b.img disk bus net
mkdir -p root/usr/lib/firmware/acme
: > root/usr/lib/firmware/acme/plain.bin
image c.img clk_soc disk bus
rm -rf root/usr/lib/firmware

expect 0 "^no difference: 7 devices" diff ir.dtb --kernel irk --initramfs a.img -- --initramfs a.img
grep -q "only on" out && wrong "lists of twice the same: $(cat out)"
expect 1 "^from the initramfs alone on A, not on B:" diff ir.dtb --kernel irk --initramfs a.img -- --initramfs b.img
grep -A 2 "^ 2 because of 1: clock .*module clk_soc is not loaded (it is not in the initramfs)" out > told
[ "$(tail -n 2 told | tr -d ' \n')" = "/clock/mmc@1000" ] || wrong "who, and why: $(cat out)"
grep -A 2 "^from the initramfs alone on B, not on A:" out | grep -q "^  /ethernet@2000$" || wrong "better: $(cat out)"
grep -q "^only on A, modules in the initramfs: clk_soc$" out || wrong "A's modules: $(cat out)"
grep -q "^only on B, modules in the initramfs: net$" out || wrong "B's modules: $(cat out)"
expect 0 "^only on B, firmware files in the initramfs: acme/plain.bin$" \
	diff ir.dtb --kernel irk --initramfs a.img -- --initramfs c.img
result "diff of two initramfs images"

run diff ir.dtb --kernel irk --initramfs a.img --json -- --initramfs b.img
python3 "$here/schema.py" "$top/docs/json.md" diff out >> wrong || wrong "diff --json"
python3 - <<'END' 2>> wrong || wrong "diff of images, JSON: $(head -c 900 out)"
import json
doc = json.load(open('out'))
changes = {c['path']: c for c in doc['changes']}
assert sorted(changes) == ['/clock', '/ethernet@2000', '/mmc@1000'], changes
mmc = changes['/mmc@1000']
assert mmc['change'] == 'stage-worse' and mmc['a']['stage'] == 'initramfs' and mmc['b']['stage'] == 'root'
assert mmc['a']['lack'] is None and 'clk_soc is not loaded (it is not in' in mmc['b']['lack']
assert doc['initramfs'] == {'modules_a': ['clk_soc'], 'modules_b': ['net'], 'firmware_a': [], 'firmware_b': []}
assert doc['seen'] is None and doc['predicted'] is True
END
# without an initramfs on one side there is no stage to compare
run diff ir.dtb --kernel irk --json -- --initramfs b.img
python3 -c '
import json
doc = json.load(open("out"))
assert doc["initramfs"] is None and not [c for c in doc["changes"] if "stage" in c["change"]]' 2>> wrong ||
	wrong "one image: $(head -c 900 out)"
# what is behind the first image on A is not on B, and the other way round
expect 1 "^only on A, modules in the initramfs: net$" \
	diff ir.dtb --kernel irk --initramfs b.img --initramfs a.img -- --initramfs a.img --initramfs a.img
grep -A 1 "net is not loaded .it is not in the initramfs" out | grep -q "^  /ethernet@2000$" || wrong "another reason: $(cat out)"
printf 'clk_soc\ndisk\n' > a.list
printf 'disk\n' > b.list
expect 1 "^only on A, modules in the initramfs: clk_soc$" diff ir.dtb --kernel irk --initramfs a.list -- --initramfs b.list
refuses "none.such: " diff ir.dtb --kernel irk --initramfs a.img -- --initramfs none.such
result "diff of two initramfs images: JSON, lists, several images on a side"
