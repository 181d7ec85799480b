# SPDX-License-Identifier: MIT
#
# weir groups of PCI functions from their configuration space: what lspci prints, a /sys, captures by the
# program and by the script, and damaged ones. Part of run.sh; pci_space.py makes the machines.

# a machine such as many have: ports with ACS, without, with some bits off and with too few bits
cat > pc.spec <<'END'
0000:00:00.0 pci class=060000 group=0
0000:00:01.0 root bus=01-01 group=1 driver=pcieport slot
0000:00:1c.0 root bus=02-02 multi acs=0f:0f id=8086:a110 group=2 driver=pcieport slot
0000:00:1c.4 root bus=03-03 id=8086:a114 group=3 driver=pcieport slot
0000:00:1d.0 root bus=04-08 acs=1f:1d group=4 driver=pcieport
0000:00:1f.0 pci class=060100 multi group=5
0000:00:1f.3 pci class=040300 group=5 driver=snd_hda_intel
0000:01:00.0 endpoint multi class=030000 group=1 driver=vfio-pci
0000:01:00.1 endpoint class=040300 group=1
0000:03:00.0 endpoint id=8086:1539 group=6 driver=igb
0000:04:00.0 up bus=05-08 group=7
0000:05:00.0 down bus=06-06 acs=1f:11 group=8
0000:05:01.0 down bus=07-07 acs=13:13 group=9
0000:06:00.0 endpoint class=010802 group=8 driver=nvme
0000:07:00.0 endpoint multi group=10 driver=mlx5_core
0000:07:00.2 virtual of=0000:07:00.0 group=11
END
space() { python3 "$here/pci_space.py" "$@" 2>> wrong || wrong "pci_space.py $*"; }
space lspci < pc.spec > pc.txt
space sysroot pc < pc.spec

expect 0 "^15 PCI functions in 10 IOMMU groups, 4 of them shared, as Linux 6.12 would make them" groups pc.txt
has() { grep -Fqx -e "$1" out || wrong "$2: $(cat out)"; }
has "  group of 0000:00:01.0: 0000:00:01.0 (root port), 0000:01:00.0 (display), 0000:01:00.1 (audio)" "below a port"
has "    root port 0000:00:01.0 has no ACS: all below it is one group with it" "a port without ACS"
has "    conventional function 0000:00:1f.0 has no ACS: functions of one device reach each other" "a slot"
has "    downstream port 0000:05:00.0 has ACS with Request Redirect, Completion Redirect switched off: all below it is one group with it" "bits that are off"
has "    with the ACS switched on that is there: {0000:05:00.0} {0000:06:00.0}" "if they were on"
grep -q "^  pci=config_acs=xxx11xx@0000:05:00.0$" out || wrong "how they are: $(cat out)"
has "    downstream port 0000:05:01.0 has ACS without Request Redirect, Completion Redirect: all below its switch reach each other" "bits that are not there"
has "  below 0000:00:1c.0 (empty); yet 0000:03:00.0 can reach it" "an empty slot"
has "  below 0000:00:01.0 (has 0000:01:00.0): it has no ACS" "a slot without ACS"
grep -q "^note: not looked at.*: 0000:07:00.2$" out || wrong "a virtual function of which only ffff is seen: $(cat out)"
run groups pc.txt --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups pc.txt --json"
mv out alone.json
expect 0 "^15 PCI functions" groups --lspci pc.txt
result "groups: which port lacks which ACS bit, from what lspci prints"

expect 0 "^16 PCI functions in 12 IOMMU groups, 3 of them shared, as Linux made them$" groups --sysroot pc
has "  group 8: 0000:05:00.0 (downstream port), 0000:06:00.0 (NVMe, driver nvme)" "a group of Linux"
has "  Linux has apart: {0000:00:1c.4} {0000:03:00.0}, although" "a quirk"
grep -A 2 "Linux has apart" out | grep -q "why: a quirk of this kernel" || wrong "why: $(cat out)"
has "  below 0000:00:1c.4 (has 0000:03:00.0): by the quirk of Linux" "a slot by a quirk"
grep -q "11: 0000:07:00.2 (virtual function)" out || wrong "a virtual function: $(cat out)"
grep -q "0000:00:1c.4.*reach" out && wrong "what Linux knows better: $(cat out)"
grep -q "^note\|can reach it.*07:00.2" out && wrong "a note: $(cat out)"
mkdir -p pc/proc
echo "quiet pcie_acs_override=downstream,multifunction" > pc/proc/cmdline
expect 0 "^note: pcie_acs_override=downstream,multifunction: this kernel takes devices to isolate" groups --sysroot pc
grep -q "    why: pcie_acs_override=.* on the command line has them apart" out || wrong "an override: $(cat out)"
run groups --sysroot pc --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups --sysroot pc --json"
rm pc/proc/cmdline
run groups --sysroot pc
mv out seen.txt
# groups that are larger than configuration space has them
ln -sfn ../2 pc/sys/devices/pci0000:00/0000:00:1d.0/iommu_group
expect 0 "Linux has in one group what its ACS keeps apart: {0000:00:1c.0} {0000:00:1d.0}" groups --sysroot pc
grep -q "why: either ACS was off when these groups were made" out || wrong "coarser: $(cat out)"
ln -sfn ../4 pc/sys/devices/pci0000:00/0000:00:1d.0/iommu_group
result "groups: a running Linux, its quirks, and where it differs"

run capture --sysroot pc -o pc-c.tar.gz
sh "$top/tool/capture/weir-capture.sh" pc-s.tar.gz pc 2> err || wrong "the script: $(cat err)"
for how in c s; do
	run groups pc-$how.tar.gz
	cmp -s out seen.txt || wrong "pc-$how.tar.gz is not as the system itself: $(diff out seen.txt)"
	mkdir pc-$how
	tar xzf pc-$how.tar.gz -C pc-$how
	grep -q "50 52 49 56" pc-$how/weir-capture/pci && wrong "something private in the capture"
	grep -q "00 00 41 a1\|86 80 10 a1" pc-$how/weir-capture/pci || wrong "no ids in the capture"
done
cmp -s pc-c/weir-capture/pci pc-s/weir-capture/pci || wrong "program and script: $(diff pc-?/weir-capture/pci)"
if command -v busybox > /dev/null 2>&1; then
	# each tool of the script is busybox's
	mkdir bb-pci
	for tool in awk cat chmod cp dmesg find grep gzip hexdump ls mkdir mktemp readlink rm sed tar tr uname wc; do
		ln -s "$(command -v busybox)" bb-pci/$tool
	done
	busybox=$(command -v busybox)
	(PATH=$work/bb-pci; export PATH; "$busybox" sh "$top/tool/capture/weir-capture.sh" pc-b.tar.gz pc 2> err) || wrong "with busybox: $(cat err)"
	mkdir pc-b
	tar xzf pc-b.tar.gz -C pc-b && cmp -s pc-b/weir-capture/pci pc-s/weir-capture/pci || wrong "busybox has no od, or an awk of its own: $(cat err)"
fi
# what a capture leaves out no group depends on
run groups --lspci pc-c/weir-capture/pci --json
python3 - alone.json out <<'END' 2>> wrong || wrong "a capture has other groups than the whole configuration space"
import json, sys
a, b = (json.load(open(name))['pci'] for name in sys.argv[1:])
virtual = '0000:07:00.2'
groups = lambda doc: [(g['functions'], g['causes']) for g in doc['groups'] if g['functions'] != [virtual]]
assert groups(a) == groups(b) and len(groups(a)) == 10
assert a['slots'] == b['slots'] and a['slots']
END
result "captures have what grouping needs, and nothing private"

if command -v lspci > /dev/null 2>&1; then
	# the forms that people send, as lspci itself prints them of these bytes
	run groups pc.txt
	mv out plain
	for form in -xxxx "-vvv -xxxx" "-D -nn -k -xxxx"; do
		# shellcheck disable=SC2086
		lspci -F pc.txt $form > form.txt 2> err
		run groups form.txt
		cmp -s out plain || wrong "lspci $form: $(cat err; diff out plain)"
	done
	lspci -F pc.txt -xxx > form.txt 2> err
	refuses "form.txt: it has 256 bytes of each function" groups form.txt
	lspci -F pc.txt -x > form.txt 2> err
	refuses "form.txt: it has 64 bytes of each function" groups form.txt
	lspci -F pc.txt -vvv > form.txt 2> err
	refuses "form.txt: lspci's words, without the bytes" groups form.txt
	# what it makes of a capture's piece: the same ACS
	for file in pc.txt pc-c/weir-capture/pci; do
		lspci -F $file -s 05:00.0 -vvv 2> err | grep "ACSC"
	done | sort | uniq -c | grep -qv "^ *2 " && wrong "lspci reads another ACS from a capture"
	lspci -F pc-c/weir-capture/pci -s 05:00.0 -vvv 2> err | grep -q "ACSCtl.*SrcValid+.*ReqRedir-.*UpstreamFwd+" ||
		wrong "lspci finds no ACS in a capture"
	result "what lspci prints, in its forms"
else
	number=$((number + 1))
	echo "ok $number - what lspci prints, in its forms # SKIP no lspci (Debian: pciutils)"
fi

space sysroot user 64 < pc.spec
expect 0 "why PCI functions share a group.* not known: only root can read all of configuration space" groups --sysroot user
run capture --sysroot user -o user.tar.gz
expect 0 "not known: the capture was not made as root" groups user.tar.gz
sh "$top/tool/capture/weir-capture.sh" user-s.tar.gz user 2> err
grep -q "only root can read all of PCI configuration space" err || wrong "the script as a user: $(cat err)"
expect 0 "not known: the capture was not made as root" groups user-s.tar.gz
space lspci 64 < pc.spec > x.txt
refuses "x.txt: it has 64 bytes of each function: give what .sudo lspci -xxxx. prints" groups x.txt
space lspci 256 < pc.spec > xxx.txt
refuses "xxx.txt: it has 256 bytes of each function, and ACS is behind them: .*-xxx" groups xxx.txt
printf '00:00.0 Host bridge: A\n\tFlags: bus master\n\n00:01.0 PCI bridge: B\n' > v.txt
refuses "v.txt: lspci's words, without the bytes of configuration space: give what .sudo lspci -xxxx. prints" groups v.txt
result "what lacks something says what to give"

cat > m.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <2>; #size-cells = <2>;
	s: smmu { compatible = "arm,smmu-v3"; #iommu-cells = <1>; };
	pcie@10000000 { compatible = "pci-host-ecam-generic"; device_type = "pci"; #address-cells = <3>; #size-cells = <2>;
		reg = <0 0x10000000 0 0x10000000>; bus-range = <0 0xff>;
		ranges = <0x2000000 0 0x40000000 0 0x40000000 0 0x10000000>;
		iommu-map = <0x0 &s 0x0 0x500>; iommu-map-mask = <0xfff8>; };
};
END
compile m.dts m.dtb
printf '%s\n' '0000:00:01.0 root bus=01-01 acs=1d:1d' '0000:00:02.0 root bus=05-05 acs=1d:1d' \
	'0000:01:00.0 endpoint multi acs=1d:1d' '0000:01:00.1 endpoint acs=1d:1d' '0000:05:00.0 endpoint' > m.spec
space lspci < m.spec > m.txt
expect 0 "^5 PCI functions in 5 IOMMU groups, 0 of them shared" groups m.txt
expect 0 "^4 PCI functions in 4 IOMMU groups, 0 of them shared" groups m.dtb --lspci m.txt
has "    endpoint 0000:01:00.1 has an id at its IOMMU that others of the group have, too" "the same id"
has "note: in no group, for firmware maps their ids to no IOMMU: 0000:05:00.0" "no IOMMU"
run groups m.dtb --lspci m.txt --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups m.dtb --lspci --json"
mkdir tables
python3 - <<'END' 2>> wrong || wrong "tables"
import struct
for name, body in ((b'MCFG', bytes(8) + struct.pack('<QHBBI', 0x10000000, 0, 0, 255, 0)), (b'DMAR', bytes(12))):
    table = bytearray(name + struct.pack('<IBB6s8sI4sI', 36 + len(body), 1, 0, b'A', b'B', 1, b'C', 1) + body)
    table[9] = -sum(table) & 255
    open(f'tables/{name.decode()}.dat', 'wb').write(table)
END
expect 0 "DMAR is not read" groups tables
grep -q "to ff:1f.7: no IOMMU that is known here" out || wrong "what DMAR may have: $(cat out)"
grep -q "^note: which PCI functions share a group .* put what .sudo lspci -xxxx. prints beside" out || wrong "$(cat out)"
cp pc.txt tables/lspci.txt
expect 0 "^15 PCI functions in 10 IOMMU groups, 4 of them shared" groups tables
has "    root port 0000:00:01.0 has no ACS: all below it is one group with it" "beside tables"
run groups tables --json
python3 "$here/schema.py" "$top/docs/json.md" acpi out >> wrong || wrong "groups tables --json"
cp m.txt tables/another
refuses "tables: has tables/another and tables/lspci.txt; say which by --lspci" groups tables
expect 0 "^5 PCI functions in 5 IOMMU groups" groups tables --lspci m.txt
result "groups: configuration space beside a device tree and ACPI tables"

# damaged LINE REGEX: a dump with that line behind two of its first function
damaged() {
	{ head -n 3 pc.txt; printf '%b\n' "$1"; } > bad.txt
	refuses "bad.txt: ($2)" groups bad.txt
}
row="00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
damaged "20: 00 00" "line 4: not sixteen bytes: '20: 00 00'"
damaged "20: $row 00" "line 4: not sixteen bytes"
damaged "20: zz${row#00}" "line 4: not sixteen bytes"
damaged "28: $row" "line 4: no offset in configuration space"
damaged "00: $row" "line 4: bytes of this function a second time, or out of order"
damaged "\n0000:00:00.0 again" "line 5: 0000:00:00.0 a second time"
printf '00:00.0 a\n' > head.txt
{ cat head.txt; echo "1000: $row"; } > bad.txt
refuses "bad.txt: lspci's words" groups bad.txt
{ echo "00:00.0"; echo; } > bad.txt
refuses "." groups bad.txt
{ echo "00:20.0 no such device"; echo "00: $row"; } > bad.txt
refuses "line 1: no address that a PCI function can have: '00:20.0 no" groups --lspci bad.txt
echo "00: $row" > bad.txt
refuses "line 1: bytes before the first function" groups --lspci bad.txt
: > bad.txt
refuses "bad.txt: no PCI functions in it" groups --lspci bad.txt
refuses "none.txt: " groups --lspci none.txt
refuses "one dump at most" groups pc.txt --lspci pc.txt
mkdir -p bad/weir-capture
cp pc-c/weir-capture/* bad/weir-capture/
printf '0000:00:00.0 x\n00: 12\n' > bad/weir-capture/pci
tar -C bad -czf bad.tar.gz weir-capture
refuses "bad.tar.gz: pci: line 2: not sixteen bytes" groups bad.tar.gz
# what makes no sense is said of its function, and the others go on
cat > odd.spec <<'END'
0000:00:01.0 root bus=01-01 acs=1d:1d
0000:01:00.0 endpoint loop
0000:00:02.0 root bus=00-09 acs=1d:1d
0000:00:03.0 root bus=02-04 acs=1d:1d
0000:02:00.0 up bus=01-01
0000:09:00.0 pci
10000:00:00.0 endpoint
END
space lspci < odd.spec > odd.txt
expect 0 "^note: 0000:01:00.0: its list of capabilities loops" groups odd.txt
grep -q "^note: 0000:00:02.0: its buses 0 to 9 are not below" out || wrong "a circle of buses: $(cat out)"
grep -q "^note: 0000:02:00.0: its buses 1 to 1 are not below" out || wrong "buses of another: $(cat out)"
grep -q "^note: not looked at.*10000:00:00.0" out || wrong "a segment that PCI does not have: $(cat out)"
printf '0000:01:00.0 root bus=02-02\n0000:02:00.0 pcibridge bus=01-01\n' > circle.spec
space lspci < circle.spec > circle.txt
expect 0 "^note: 0000:02:00.0: its buses 1 to 1 are not below" groups circle.txt
result "dumps and captures that are damaged"
