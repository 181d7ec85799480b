# SPDX-License-Identifier: MIT
#
# weir lint: every rule finds what it is for, on a tree made for it, and nothing else is
# said of that; documents are as described. Part of run.sh; uses the kernel of kernel.sh.

uses kernel

# finds RULE [ARGS...]: the tree on standard input has exactly findings of this one rule.
finds() {
	rule=$1
	shift
	compile /dev/stdin lint.dtb
	run lint lint.dtb --json "$@"
	python3 "$here/schema.py" "$top/docs/json.md" lint out >> wrong || wrong "$rule: --json"
	python3 - "$rule" <<-'END' >> wrong || wrong "$rule: $(cat out)"
	import json, sys
	found = {f['rule'] for b in json.load(open('out'))['boards'] for f in b['findings']}
	sys.exit(found != {sys.argv[1]})
	END
}

head='/dts-v1/; / { '
ctl='c: clock { compatible = "a,clk"; #clock-cells = <1>; }; '

echo "$head" 'x { clocks = <77 1>; }; };' | finds dangling-phandle
echo "$head" 'x { interrupt-parent = <9>; }; };' | finds dangling-phandle
echo "$head" 'c: clock { }; x { clocks = <&c>; }; };' | finds missing-cells
echo "$head $ctl" 'x { clocks = <&c 1 &c>; }; };' | finds wrong-cells
echo "$head" 'x { foo-gpios = [00 00 00 00 00]; }; };' | finds property-size
echo "$head" 'x { status = "disable"; }; };' | finds unknown-status
echo "$head" 'chosen { stdout-path = "serial0:115200"; }; };' | finds dangling-path
echo "$head" 'c: clock { #clock-cells = <1>; status = "disabled"; }; x { clocks = <&c 1>; }; };' |
	finds supplier-disabled
echo "$head" 's: supply { }; x { compatible = "a,x"; vdd-supply = <&s>; }; };' |
	finds supplier-never-comes
echo "$head" 'a: a { compatible = "a,a"; clocks = <&b>; #clock-cells = <0>; };' \
	'b: b { compatible = "a,b"; clocks = <&a>; #clock-cells = <0>; }; };' | finds cycle
result "lint: references, status, paths, suppliers, cycles"

mmu='i: iommu { compatible = "a,mmu"; #iommu-cells = <1>; }; '
echo "$head" 'i: iommu { #iommu-cells = <1>; status = "disabled"; }; x { iommus = <&i 1>; }; };' |
	finds iommu-disabled
echo "$head $mmu" 'p { iommu-map = <0 &i 0 0>; }; };' | finds iommu-map-empty
echo "$head $mmu" 'p { iommu-map = <0 &i 0 8 8 &i 8 8 7 &i 0x100 1>; }; };' | finds iommu-map-overlap
grep -q "entries 0 and 2 of iommu-map both have requester 0x7" out || wrong "overlap: $(cat out)"
echo "$head $mmu" 'p { iommu-map = <0 &i 0>; }; };' | finds iommu-map-damaged
echo "$head $mmu" 'x { iommus = <&i 1>; }; y { iommus = <&i 2>, <&i 1>; }; };' | finds duplicate-stream
echo "$head $mmu" 'x { compatible = "a,usb"; iommus = <&i 1>; }; y { compatible = "a,usb"; }; };' |
	finds no-iommu-unlike-siblings
cat > lint.drivers <<'END'
x-driver a,x
END
echo "$head $ctl" 'x { compatible = "a,x"; clocks = <&c 1>; }; };' |
	finds no-driver --drivers lint.drivers
grep -q "waits for it, for ever" out || wrong "no-driver: $(cat out)"
echo "$head" 'x { compatible = "a,x"; reg = <1>; #address-cells = <2>; #size-cells = <2>;' \
	'y { compatible = "a,y"; reg = <1>; }; }; };' > short.dts
finds broken-tree < short.dts
result "lint: IOMMUs, drivers, broken trees"

echo "$head" 'i: iommu { compatible = "acme,disp"; #iommu-cells = <1>; };' \
	'x { compatible = "acme,soc-clk"; iommus = <&i 1>; }; };' | finds iommu-module --kernel kernel
echo "$head" 'i: iommu { compatible = "acme,disp"; #iommu-cells = <1>; };' \
	'x { compatible = "acme,soc-clk"; iommus = <&i 1>; }; };' > strict.dts
compile strict.dts strict.dtb
expect 0 "0 errors, 0 warnings, 0 notes" lint strict.dtb --kernel kernel --set fw_devlink.strict=1
result "lint: a modular IOMMU driver matters only without strict links"

echo "$head" 'a: a { compatible = "a,a"; clocks = <&b>; #clock-cells = <0>; };' \
	'b: b { compatible = "a,b"; clocks = <&a>, <99>; #clock-cells = <0>; }; };' > two.dts
compile two.dts two.dtb
expect 1 "error: /b: entry 1 of clocks names phandle 0x63" lint two.dtb
grep -q "post-init-providers = <&[ab]>;" out || wrong "no line to write: $(cat out)"
expect 0 "0 errors, 0 warnings, 1 notes" lint two.dtb --without dangling-phandle
expect 1 "1 errors, 0 warnings, 0 notes" lint two.dtb --severity error
expect 1 "3 boards: 1 errors" lint two.dtb strict.dtb strict.dtb
refuses "no such rule" lint two.dtb --without nothing
refuses "not one of note" lint two.dtb --severity bad
refuses "a board is needed" lint
refuses "no such file|No such file" lint two.dtb none.dtb
if command -v script > /dev/null; then
	script -qec "'$weir' lint two.dtb strict.dtb 2>&1 > lint.said" typescript < /dev/null > progress
	grep -q "2 of 2 boards" progress || wrong "no progress on a terminal: $(cat progress)"
	grep -q "[12] of 2 boards" lint.said && wrong "progress in the output"
fi
run lint two.dtb strict.dtb
[ ! -s err ] || wrong "progress without a terminal: $(cat err)"
result "lint: severities, rules left out, several boards, progress on a terminal"

run lint two.dtb --sarif
python3 - <<'END' >> wrong || wrong "SARIF: $(head -c 600 out)"
import json, sys
doc = json.load(open('out'))
run, = doc['runs']
rules = run['tool']['driver']['rules']
assert doc['version'] == '2.1.0' and len({r['id'] for r in rules}) == len(rules)
for r in run['results']:
    assert rules[r['ruleIndex']]['id'] == r['ruleId'] and r['level'] in ('error', 'warning', 'note')
    assert r['locations'][0]['physicalLocation']['artifactLocation']['uri'] == 'two.dtb'
    assert r['locations'][0]['logicalLocations'][0]['fullyQualifiedName'].startswith('/')
assert {r['ruleId'] for r in run['results']} == {'dangling-phandle', 'cycle'}
END
result "lint: SARIF"

# every rule has a test above and a section in the document, with its severity
run lint --rules
while read -r rule severity _; do
	grep -q "finds $rule" "$here/lint.sh" || wrong "no test of $rule"
	grep -A 2 "^## $rule\$" "$top/docs/lint.md" | grep -q "^\*$severity\*" || wrong "docs/lint.md: $rule"
done < out
[ "$(grep -c '^## ' "$top/docs/lint.md")" = "$(wc -l < out)" ] || wrong "docs/lint.md has other rules"
result "lint: every rule is tested and described"
