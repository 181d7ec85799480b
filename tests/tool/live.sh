# SPDX-License-Identifier: MIT
#
# weir live and weir capture, on a /sys of our own making: by the program and by the script
# for busybox, at once and from an archive. Part of run.sh.

sys=$work/root/sys
dt=$sys/firmware/devicetree/base
mkdir -p "$sys/bus/platform/devices" "$sys/bus/platform/drivers/acme-clk" "$sys/class/devlink" \
	"$sys/kernel/debug" "$sys/kernel/iommu_groups/3" "$dt" root/proc/sys/kernel

# device NAME NODE [DRIVER [GROUP]]
device() {
	d=$sys/devices/platform/$1
	mkdir -p "$d"
	ln -s "../../../devices/platform/$1" "$sys/bus/platform/devices/$1"
	[ "$2" = - ] || ln -s "../../../firmware/devicetree/base$2" "$d/of_node"
	[ -z "${3:-}" ] || ln -s "../../../bus/platform/drivers/$3" "$d/driver"
	[ -z "${4:-}" ] || ln -s "../../../kernel/iommu_groups/$4" "$d/iommu_group"
}
# devlink CONSUMER SUPPLIER STATUS
devlink() {
	l=$sys/devices/virtual/devlink/platform:$2--platform:$1
	mkdir -p "$l"
	ln -s "../../../../devices/platform/$1" "$l/consumer"
	ln -s "../../../../devices/platform/$2" "$l/supplier"
	echo "$3" > "$l/status"
	echo 0 > "$l/sync_state_only"
	ln -s "../../devices/virtual/devlink/platform:$2--platform:$1" "$sys/class/devlink/platform:$2--platform:$1"
}

cat > live.dts <<'END'
/dts-v1/;
/ {
	model = "A board";
	compatible = "acme,board";
	serial-number = "SN-PRIVATE-1";
	clk: clock { compatible = "acme,clk"; #clock-cells = <0>; };
	phy: phy { compatible = "acme,phy"; #phy-cells = <0>; clocks = <&clk>; };
	usb { compatible = "acme,usb"; phys = <&phy>; local-mac-address = [02 00 00 00 00 01]; };
	sound { compatible = "acme,sound"; clocks = <&clk>; };
};
END
compile live.dts live.dtb
# the tree as files, as the kernel shows it
python3 - "$top/scripts/fdt.py" live.dtb "$dt" <<'END' 2>> wrong || wrong "the tree as files"
import os, struct, sys
blob = open(sys.argv[2], 'rb').read()
at, strings = struct.unpack('>II', blob[8:16])
path = [sys.argv[3]]
while True:
    tag, = struct.unpack('>I', blob[at:at + 4]); at += 4
    if tag == 1:
        end = blob.index(b'\0', at); name = blob[at:end].decode(); at = end + 4 & ~3
        if name: path.append(os.path.join(path[-1], name)); os.makedirs(path[-1], exist_ok=True)
        else: path.append(path[-1])
    elif tag == 2: path.pop()
    elif tag == 3:
        n, off = struct.unpack('>II', blob[at:at + 8]); at += 8
        name = blob[strings + off:blob.index(b'\0', strings + off)].decode()
        open(os.path.join(path[-1], name), 'wb').write(blob[at:at + n]); at = at + n + 3 & ~3
    elif tag == 9: break
END
device clock /clock acme-clk
device phy /phy
device usb /usb "" 3
device sound /sound acme-clk 3
device plain -
devlink phy clock consumer-probe
devlink usb phy dormant
printf 'usb\tplatform: wait for supplier /phy\nphy\t\n' > "$sys/kernel/debug/devices_deferred"
echo "root=/dev/mmcblk0p2 ethaddr=02:00:00:00:00:01 androidboot.serialno=SN-PRIVATE-2 quiet" > root/proc/cmdline
echo 6.12.0-live > root/proc/sys/kernel/osrelease
printf 'acme_sound 16384 0 - Live 0x0\n' > root/proc/modules
cat > live.drivers <<'END'
acme-clk@1 acme,clk
acme-phy@6 acme,phy
acme-usb@6 acme,usb
END

expect 1 "5 devices: 2 have a driver, 2 wait" live --sysroot root
grep -q "^2 wait for 1: phy: deferred; the kernel gives no reason" out || wrong "root cause: $(cat out)"
grep -q "   waiting: usb" out || wrong "who waits: $(cat out)"
grep -q "2 devices in 1 IOMMU groups" out || wrong "groups: $(cat out)"
expect 1 "prediction: 1 devices as predicted, 2 worse, 1 better" live --sysroot root --drivers live.drivers
grep -A 2 "^  sound (/sound): is up" out | grep -q "predicted: no driver" || wrong "better: $(cat out)"
grep -A 2 "^  phy (/phy): predicted up" out | grep -q "seen: deferred" || wrong "worse: $(cat out)"
run live --sysroot root --drivers live.drivers --json
python3 "$here/schema.py" "$top/docs/json.md" live out >> wrong || wrong "live --json"
result "live: root causes, groups, and what was predicted"

expect 1 "^KTAP version 1$" live --sysroot root --drivers live.drivers --ktap
[ "$(grep -c '^ok' out) $(grep -c '^not ok' out) $(grep '^1\.\.' out)" = "2 2 1..4" ] || wrong "KTAP: $(cat out)"
result "live: KTAP"

mkdir -p root/var/log
cat > root/var/log/dmesg <<'END'
[    0.000000] Linux version 6.12.0-live (somebody@PRIVATE)
[    0.400000] usb 1-1: SerialNumber: SN-PRIVATE-3
[    0.500000] probe of sound returned -517 after 3 usecs
[    1.500000] probe of clock returned 0 after 300 usecs
[    1.600000] probe of sound returned 0 after 4 usecs
[   12.000000] platform usb: deferred probe pending: wait for supplier /phy
END
run capture --sysroot root -o c.tar.gz
[ $status = 0 ] || wrong "capture: $(cat err)"
run capture --sysroot root -o j.tar.gz --json
python3 "$here/schema.py" "$top/docs/json.md" capture out >> wrong || wrong "capture --json"
python3 - <<'END' 2>> wrong || wrong "capture --json: $(head -c 600 out)"
import json, tarfile
doc = json.load(open('out'))
packed = {m.name[len('weir-capture/'):]: m.size for m in tarfile.open(doc['file']) if m.isfile()}
assert {p['name']: p['bytes'] for p in doc['pieces']} == packed and 'devices' in packed, doc
assert doc['deferred'] and not doc['private']
END
sh "$top/tool/capture/weir-capture.sh" s.tar.gz root 2> err || wrong "the script: $(cat err)"
# the script needs nothing but busybox: with its shell and its commands alone
if command -v busybox > /dev/null; then
	mkdir bb
	for applet in $(busybox --list); do
		ln -s "$(command -v busybox)" "bb/$applet"
	done
	PATH=$work/bb bb/sh "$top/tool/capture/weir-capture.sh" b.tar.gz root 2> err || wrong "busybox: $(cat err)"
	mkdir x-b x-bs
	tar xzf b.tar.gz -C x-b
	tar xzf s.tar.gz -C x-bs
	diff -r x-b x-bs > differ || wrong "busybox packs other things than sh: $(head -n 5 differ)"
	result "capture: the script packs the same with busybox alone"
else
	number=$((number + 1))
	echo "ok $number # SKIP capture: no busybox, so the script runs with another shell alone"
fi
for file in c.tar.gz s.tar.gz; do
	expect 1 "2 wait for 1: phy" live $file
	grep -v "^$file" out > of-$file
	gzip -dc $file | grep -aq "PRIVATE\|ethaddr" && wrong "$file: something private is in it"
	expect 0 "A board" boot $file --drivers live.drivers
	expect 0 "no difference" diff $file live.dtb --drivers live.drivers
done
cmp -s of-c.tar.gz of-s.tar.gz || wrong "program and script differ: $(diff of-c.tar.gz of-s.tar.gz)"
mkdir x-c x-s
tar xzf c.tar.gz -C x-c && tar xzf s.tar.gz -C x-s
sort x-c/weir-capture/devices > d1
sort x-s/weir-capture/devices > d2
cmp -s d1 d2 || wrong "devices: $(diff d1 d2)"
cmp -s x-c/weir-capture/cmdline x-s/weir-capture/cmdline || wrong "cmdline: $(cat x-?/weir-capture/cmdline)"
cmp -s x-c/weir-capture/log x-s/weir-capture/log || wrong "log: $(cat x-?/weir-capture/log)"
[ "$(wc -l < x-c/weir-capture/log)" = 4 ] || wrong "log: $(cat x-c/weir-capture/log)"
run timeline c.tar.gz --drivers live.drivers --json
python3 "$here/schema.py" "$top/docs/json.md" report out >> wrong || wrong "timeline of a capture"
python3 -c '
import json
doc = json.load(open("out"))
assert [(d["name"], d["slack_ns"]) for d in doc["devices"] if d["slack_ns"]] == [("sound", 10400000000)], doc["measured"]
assert doc["measured"]["file"] == "c.tar.gz"' 2>> wrong || wrong "slack of a capture"
run capture --sysroot root --private -o p.tar.gz
gzip -dc p.tar.gz | grep -aq "SN-PRIVATE-1" || wrong "--private leaves it out"
result "capture: the program and the script pack the same, and nothing private"

# IOMMUs, to which Linux has no link without fw_devlink.strict: by iommus of a device, and by the
# iommu-map of a PCI function's host bridge. 0x100 and 0x2xx go to the SMMU, 0x08 to one that
# is not there, 0x10 nowhere, 0x300 to one with a driver, and 0x400 to a virtio IOMMU on PCI.
cat > pci.dts <<'END'
/dts-v1/;
/ {
	compatible = "acme,board";
	smmu: smmu { compatible = "arm,smmu-v3"; #iommu-cells = <1>; };
	gone: gone { compatible = "acme,smmu"; #iommu-cells = <1>; };
	up: up { compatible = "acme,smmu"; #iommu-cells = <1>; };
	gpu { compatible = "acme,gpu"; iommus = <&smmu 7>; };
	vpu { compatible = "acme,vpu"; iommus = <&up 7>; };
	pcie {
		compatible = "pci-host-ecam-generic"; device_type = "pci"; #address-cells = <3>; #size-cells = <2>;
		iommu-map = <0x100 &smmu 0x100 0x1>, <0x200 &smmu 0x200 0x100>, <0x8 &gone 0x8 1>, <0x300 &up 0 1>,
			<0x400 &viommu 0 1>;
		viommu: iommu@18 { compatible = "pci1af4,1057"; reg = <0x1800 0 0 0 0>; #iommu-cells = <1>; };
	};
};
END
compile pci.dts pci.dtb
sys=$work/pci/sys
mkdir -p "$sys/bus/platform/devices" "$sys/bus/platform/drivers/a" "$sys/bus/pci/devices" "$sys/bus/virtio/devices" \
	"$sys/bus/pci/drivers/virtio-pci" "$sys/class/devlink" "$sys/kernel/debug" "$sys/firmware" pci/proc/sys/kernel
cp pci.dtb "$sys/firmware/fdt"
for node in smmu up gpu vpu pcie/iommu@18; do mkdir -p "$sys/firmware/devicetree/base/$node"; done
device smmu /smmu
device up /up a
device gpu /gpu
device vpu /vpu
device pcie /pcie a
# function PATH-BELOW-THE-HOST [NODE [DRIVER]]
function_() {
	d=$sys/devices/platform/pcie/pci0000:00/$1
	mkdir -p "$d"
	ln -s "../../../devices/platform/pcie/pci0000:00/$1" "$sys/bus/${4:-pci}/devices/${1##*/}"
	[ -z "${2:-}" ] || ln -s "$sys/firmware/devicetree/base$2" "$d/of_node"
	[ -z "${3:-}" ] || ln -s "$sys/bus/pci/drivers/$3" "$d/driver"
}
function_ 0000:00:01.0
function_ 0000:00:02.0
function_ 0000:00:01.0/0000:01:00.0
function_ 0000:00:01.0/0000:02:1f.7
function_ 0000:00:01.0/0000:03:00.0
function_ 0000:00:01.0/0000:04:00.0
function_ 0000:00:03.0 /pcie/iommu@18 virtio-pci
function_ 0000:00:03.0/virtio0 "" "" virtio
for d in 0000:00:01.0 0000:00:02.0 0000:01:00.0 0000:02:1f.7 0000:03:00.0 0000:04:00.0 gpu vpu; do printf '%s\t\n' $d; done \
	> "$sys/kernel/debug/devices_deferred"
echo 6.12.0-live > pci/proc/sys/kernel/osrelease
expect 1 "^3 wait for 1: smmu: no driver is bound" live --sysroot pci
grep -q "^   waiting: gpu (its IOMMU: iommus) 0000:01:00.0 (its IOMMU: iommu-map) 0000:02:1f.7 (its IOMMU: iommu-map)$" out ||
	wrong "who waits for the SMMU: $(cat out)"
grep -q "^1 waits for 1: 0000:00:01.0: waits for its IOMMU (iommu-map): /gone, which is no device" out || wrong "no device: $(cat out)"
grep -q "^1 waits for 1: virtio0: no driver is bound" out || wrong "virtio: $(cat out)"
for d in 0000:00:02.0 0000:03:00.0 vpu; do
	grep -q "^1 waits for 1: $d: deferred; the kernel gives no reason" out || wrong "$d: $(cat out)"
done
run live --sysroot pci --json
python3 "$here/schema.py" "$top/docs/json.md" live out >> wrong || wrong "live --json"
grep -q '"words": "waits for its IOMMU (iommu-map): smmu, which has no driver"' out || wrong "words: $(cat out)"
# a prediction of the same tree beside it, and the same of a capture
echo "acme-gpu@6 acme,gpu" > gpu.drivers
expect 1 "^3 wait for 1: smmu: no driver is bound" live --sysroot pci --drivers gpu.drivers
run capture --sysroot pci -o pci.tar.gz
expect 1 "^3 wait for 1: smmu: no driver is bound" live pci.tar.gz
# the command line of a capture holds for the prediction, and another one in its place
echo "root=/dev/sda deferred_probe_timeout=0 modprobe.blacklist=acme-phy quiet" > pci/proc/cmdline
run capture --sysroot pci -o own.tar.gz
timeout_of() {
	run boot own.tar.gz --drivers gpu.drivers --events own.events "$@"
	sed -n '1s/.*"timeout": *\(-*[0-9]*\).*/\1/p' own.events
}
for verb in "boot own.tar.gz" "explain own.tar.gz gpu" "timeline own.tar.gz" "graph own.tar.gz"; do
	# shellcheck disable=SC2086
	run $verb --drivers gpu.drivers --json
	grep -q "own.tar.gz: its own command line holds.*: deferred_probe_timeout=0 modprobe.blacklist=acme-phy$" err ||
		wrong "$verb: what holds is not told: $(cat err)"
	# shellcheck disable=SC2086
	run $verb --drivers gpu.drivers --json --cmdline "deferred_probe_timeout=7"
	[ ! -s err ] || wrong "$verb: told, though another one is given: $(cat err)"
done
[ "$(timeout_of)" = 0 ] || wrong "the capture's own timeout: $(timeout_of)"
[ "$(timeout_of --cmdline deferred_probe_timeout=7)" = 7 ] || wrong "the timeout that is given"
[ "$(timeout_of --set fw_devlink=on)" = 10 ] || wrong "with --set, none of the capture's"
result "live: IOMMUs that Linux has no links to, also of PCI functions"

# what the same board was like with another kernel: its PHY came up, its sound did not
cp -r root root2
for name in phy usb; do
	ln -s ../../../bus/platform/drivers/acme-$name "root2/sys/devices/platform/$name/driver"
done
rm root2/sys/devices/platform/sound/driver root2/sys/devices/platform/usb/iommu_group
printf 'sound\tplatform: no codec\n' > root2/sys/kernel/debug/devices_deferred
printf 'acme_usb 16384 0 - Live 0x0\n' > root2/proc/modules
echo "root=/dev/mmcblk0p2 fw_devlink=permissive quiet" > root2/proc/cmdline
echo 6.13.0-live > root2/proc/sys/kernel/osrelease
run capture --sysroot root2 -o d.tar.gz
[ $status = 0 ] || wrong "capture: $(cat err)"
expect 1 "^as the captures saw it:" diff c.tar.gz d.tar.gz --drivers live.drivers
grep -q "^A: c.tar.gz  (Linux 6.12.0-live, 2 devices wait)" out || wrong "A: $(cat out)"
grep -q "^B: d.tar.gz  (Linux 6.13.0-live, 1 devices wait)" out || wrong "B: $(cat out)"
sed -n '/^as the captures/,$p' out > seen.told
grep -A 2 "^up on A, not on B:" seen.told | tail -n 2 > told
cmp -s - told <<'END' || wrong "worse: $(cat seen.told)"
 1 because of 1: sound: deferred; the kernel says: platform: no codec
  /sound (sound)
END
grep -A 3 "^up on B, not on A:" seen.told | grep -q "2 because of 1: phy: deferred; the kernel gives no reason" || wrong "better: $(cat seen.told)"
grep -q "^only on A, modules: acme_sound" seen.told || wrong "modules: $(cat seen.told)"
grep -q "^only on B, modules: acme_usb" seen.told || wrong "modules: $(cat seen.told)"
grep -q "^only on B, parameters: fw_devlink=permissive" seen.told || wrong "parameters: $(cat seen.told)"
run diff c.tar.gz d.tar.gz --drivers live.drivers --json
python3 "$here/schema.py" "$top/docs/json.md" diff out >> wrong || wrong "diff --json"
python3 - <<'END' 2>> wrong || wrong "diff of captures, JSON: $(head -c 900 out)"
import json
doc = json.load(open('out'))['seen']
changes = {c['path']: c for c in doc['changes']}
assert sorted(changes) == ['/phy (phy)', '/sound (sound)', '/usb (usb)'], changes
assert changes['/sound (sound)']['a']['group'] == 'sound usb'
assert changes['/sound (sound)']['a']['bound_ns'] == 1600000000
assert doc['modules_a'] == ['acme_sound'] and doc['parameters_b'] == ['fw_devlink=permissive']
END
expect 0 "^no difference: 5 devices" diff c.tar.gz s.tar.gz --drivers live.drivers
# groups are told by who is in them
rm root2/sys/devices/platform/sound/iommu_group
ln -s ../../../bus/platform/drivers/acme-sound root2/sys/devices/platform/sound/driver
ln -s ../../../kernel/iommu_groups/7 root2/sys/devices/platform/sound/iommu_group
: > root2/sys/kernel/debug/devices_deferred
run capture --sysroot root2 -o e.tar.gz
expect 1 "^  /sound .sound.: sound usb -> sound$" diff c.tar.gz e.tar.gz --drivers live.drivers
# settings of the kernel, where both have them; a damaged one is none
printf '# a comment\nCONFIG_A=y\nCONFIG_SMMU=m\n# CONFIG_B is not set\n' | gzip > root/proc/config.gz
printf 'CONFIG_A=y\nCONFIG_SMMU=y\nCONFIG_B=y\n' | gzip > root2/proc/config.gz
run capture --sysroot root -o h.tar.gz
run capture --sysroot root2 -o i.tar.gz
expect 1 "^only on A, settings of the kernel: CONFIG_SMMU=m$" diff h.tar.gz i.tar.gz --drivers live.drivers
grep -q "^only on B, settings of the kernel: CONFIG_B=y CONFIG_SMMU=y$" out || wrong "settings: $(cat out)"
run diff h.tar.gz i.tar.gz --drivers live.drivers --json
python3 "$here/schema.py" "$top/docs/json.md" diff out >> wrong || wrong "diff --json with settings"
expect 0 "^no difference: 5 devices" diff c.tar.gz h.tar.gz --drivers live.drivers
grep -q "settings" out && wrong "one side has no settings: $(cat out)"
echo 'no gzip' > root2/proc/config.gz
run capture --sysroot root2 -o i.tar.gz
run diff h.tar.gz i.tar.gz --drivers live.drivers
grep -q "settings" out && wrong "damaged settings: $(cat out)"
rm root/proc/config.gz root2/proc/config.gz
# without a tree on one side nothing is predicted
rm -rf root2/sys/firmware
run capture --sysroot root2 -o f.tar.gz
expect 1 "^no prediction: a capture has no device tree" diff c.tar.gz f.tar.gz
run diff c.tar.gz f.tar.gz --json
python3 "$here/schema.py" "$top/docs/json.md" diff out >> wrong || wrong "diff --json without a tree"
result "diff of two captures: what was bound, why not, groups, modules, parameters"

head -c 300 c.tar.gz > cut.tar.gz
run live cut.tar.gz
[ $status = 2 ] || wrong "a cut archive: exit status $status"
mkdir -p evil/weir-capture/dt
printf 'x\tplatform\t-\t-\t-\t-\n' > evil/weir-capture/devices
ln -s /etc/passwd evil/weir-capture/kernel
(cd evil && tar cf ../evil.tar weir-capture && printf 'a' > ../outside && tar rPf ../evil.tar weir-capture/../../outside)
expect 0 "1 devices: 0 have a driver" live evil.tar
grep -q "Linux (unknown version)" out || wrong "a link was followed: $(cat out)"
mkdir -p none/other && tar czf none.tar.gz none
refuses "no capture: it has no" live none.tar.gz
refuses "no device tree, and no capture|no such|not|No such" boot nothing.tar.gz
refuses "sys/bus has no devices" live --sysroot evil
refuses "live.dtb: no capture: weir capture makes one" live live.dtb
refuses "nowhere/x.tar.gz: No such file or directory$" capture --sysroot root -o nowhere/x.tar.gz
mkdir -p bare/sys/bus/platform/devices bare/sys/devices/platform/one
ln -s ../../../devices/platform/one bare/sys/bus/platform/devices/one
expect 0 "^1..0 # SKIP" live --sysroot bare --ktap
refuses "one capture at most" live c.tar.gz s.tar.gz
refuses "is needed, and nothing else" capture
result "live: archives that are damaged, hostile, or none"
