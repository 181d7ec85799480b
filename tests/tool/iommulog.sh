# SPDX-License-Identifier: MIT
#
# What a log says of IOMMUs: of which device, why, and what to do; and a device that was bound too
# early for those that wait for nodes below it. The messages are those of Linux 6.12 to 6.15. Part of run.sh.

cat > il.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <1>; #size-cells = <1>;
	gcc: clock@100 { compatible = "x,gcc"; reg = <0x100 0x10>; #clock-cells = <0>; };
	smmu: iommu@5000 { compatible = "x,smmu"; reg = <0x5000 0x10>; #iommu-cells = <2>; };
	late: iommu@6000 { compatible = "x,late"; reg = <0x6000 0x10>; #iommu-cells = <1>; clocks = <&gcc>; };
	decon@10 { compatible = "x,decon"; reg = <0x10 0x10>; iommus = <&smmu 0x400 0xff>; };
	codec@20 { compatible = "x,codec"; reg = <0x20 0x10>; iommus = <&late 1>, <&smmu 0x17 0>; };
	uart@30 { compatible = "x,uart"; reg = <0x30 0x10>; };
	pcie@40 { compatible = "x,pcie"; reg = <0x40 0x10>; device_type = "pci"; #address-cells = <3>; #size-cells = <2>;
		iommu-map = <0x0 &smmu 0x1000 0x400>; };
	pmic@50 { compatible = "x,pmic"; reg = <0x50 0x10>; keypins: key-pins { pins = "a"; }; };
	genpd@70 { compatible = "x,genpd"; reg = <0x70 0x10>; #power-domain-cells = <0>; };
	video@80 { compatible = "x,video"; reg = <0x80 0x10>; power-domains = <&{/genpd@70}>; };
	keys@60 { compatible = "x,keys"; reg = <0x60 0x10>; pinctrl-0 = <&keypins>; };
};
END
compile il.dts il.dtb
cat > il.drivers <<'END'
gcc@m x,gcc
smmu_drv@m x,smmu
late_drv@1 x,late
decon@m x,decon
codec@m x,codec
uart x,uart
pcie x,pcie
pmic@m x,pmic
keys x,keys
genpd@m x,genpd
video x,video
END
cat > il.log <<'END'
[    0.000000] Linux version 6.15.0-il (a@b) #1
[    0.200000] iommu: Default domain type: Translated
[    1.000000] platform 20.codec: Adding to iommu group 2
[    1.100000] decon 10.decon: late IOMMU probe at driver bind, something fishy here!
[    1.110000] WARNING: CPU: 1 PID: 13 at drivers/iommu/iommu.c:571 __iommu_probe_device+0x208/0x38c
[    1.150000] codec 20.codec: late IOMMU probe at driver bind, something fishy here!
[    1.200000] nvme 0000:01:00.0: late IOMMU probe at driver bind, something fishy here!
[    1.250000] uart 30.uart: late IOMMU probe at driver bind, something fishy here!
[    1.300000] nvme 0000:01:00.0: Failed to add to iommu group 11: -16
[    1.400000] arm-smmu 5000.iommu: Blocked unknown Stream ID 0x429; boot with "arm-smmu.disable_bypass=0" to allow
[    1.400001] arm-smmu 5000.iommu: Blocked unknown Stream ID 0x777; boot with "arm-smmu.disable_bypass=0" to allow
[    1.500000] arm-smmu 5000.iommu: Unhandled context fault: fsr=0x402, iova=0xfc401000, fsynr=0x60003, cbfrsynra=0x1100, cb=3
[    2.000000] probe of 10.decon with driver decon returned 0 after 8 usecs
[   12.000000] codec 20.codec: deferred probe timeout, ignoring dependency
END
expect 1 "^IOMMU: 10.decon came late: to its IOMMU, and into a group, only when its driver was bound" explain il.dtb --drivers il.drivers --log il.log
cp out text
for said in "why: its IOMMU is .*iommu@5000.*, whose driver smmu_drv is a module.*no link keeps the device back" \
	"fix: load smmu_drv first: put it into the initramfs \(weir plan --for 10.decon\), or boot with fw_devlink.strict=1" \
	"the last of 2: one can be registered and another not yet" "weir race --for 20.codec" \
	"^IOMMU: 0000:01:00.0 came" "weir plan --for .*pcie@40" "groups change with it" \
	"^IOMMU: 30.uart came" "why: the tree names no IOMMU for it" \
	"0000:01:00.0 was not taken into IOMMU group 11 \(error 16\)" "why: EBUSY" \
	"^IOMMU: 5000.iommu blocked id 0x429" "why: the tree gives it to .*decon@10" \
	"^IOMMU: 5000.iommu blocked id 0x777" "why: no node of the tree has that id at .*iommu@5000" \
	"stopped an access of id 0x1100 at 0xfc401000" "PCI function 01:00.0 below .*pcie@40" \
	"20.codec was not kept waiting any longer.*without its IOMMU" \
	"^1 device was added to IOMMU groups; the default domain is Translated" "in no group by this log: 10.decon$"; do
	grep -Eq -e "$said" text || wrong "nothing like '$said': $(cat text)"
done
run explain il.dtb --drivers il.drivers --log il.log --json
python3 "$here/schema.py" "$top/docs/json.md" "board log" out >> wrong || wrong "explain --log --json"
python3 -c '
import json
print(*sorted(n["kind"] for n in json.load(open("out"))["iommu"]))' > kinds
[ "$(cat kinds)" = "fault given-up late late late late no-group unknown-id unknown-id" ] || wrong "kinds: $(cat kinds)"
# what holds the IOMMU back is told, and strict links are not advised when they are there
run explain il.dtb --drivers il.drivers --log il.log --deny smmu_drv --set fw_devlink.strict=1
grep -q "which does not come up by the prediction either: .*smmu_drv is denied" out || wrong "denied: $(cat out)"
grep -q "or boot with fw_devlink.strict=1" out && wrong "strict: $(cat out)"
printf '[ 1.0] arm-smmu 5000.iommu: Unhandled context fault: fsr=, iova=, cbfrsynra=\n[ 1.1] x 1.y: event: client: sid: \n[ 2.0] z 0000:00:00.9: late IOMMU probe at driver bind\n' > odd.log
expect 1 "0000:00:00.9 came" explain il.dtb --drivers il.drivers --log odd.log
cat > pd.log <<'END2'
[   12.000000] video 80.video: deferred probe timeout, ignoring dependency
[   12.100000] video 80.video: probe with driver video failed with error -110
END2
expect 1 "its probe failed then for good" explain il.dtb --drivers il.drivers --log pd.log
grep -q "why: its power domain is .*genpd@70.*'s, whose driver genpd is a module" out || wrong "power domain: $(cat out)"
result "log: what a kernel says of IOMMUs, with the device, the cause and what to do"

cat > left.log <<'END'
[    1.000000] probe of 50.pmic returned 0 after 9 usecs
[    2.000000] bus: 'platform': really_probe: bound device 50.pmic to driver pmic
[   12.000000] platform 60.keys: deferred probe pending: platform: wait for supplier /pmic@50/key-pins
END
expect 1 "^1 waits for 1: .*pmic.*bound in the log, and key-pins below it is waited for all the same" \
	explain il.dtb --drivers il.drivers --log left.log
grep -q "weir race il.dtb --add --for 50.pmic" out || wrong "what to do: $(cat out)"
sed '1d;2d' left.log > lost.log
echo "[   13.000000] probe of 50.pmic returned 0 after 9 usecs" >> lost.log
expect 1 "bound in the log, too late" explain il.dtb --drivers il.drivers --log lost.log
result "log: a device that was bound before it was complete, and who waits for nodes below it"

# the same of a running system
mkdir il
sys=$work/il/sys
mkdir -p "$sys/bus/platform/devices" "$sys/bus/platform/drivers/pmic" "$sys/kernel/debug" il/var/log il/proc
for d in 50.pmic:pmic@50 60.keys:keys@60; do
	mkdir -p "$sys/devices/platform/${d%:*}" "$sys/firmware/devicetree/base/${d#*:}"
	ln -s "../../../devices/platform/${d%:*}" "$sys/bus/platform/devices/${d%:*}"
	ln -s "../../../firmware/devicetree/base/${d#*:}" "$sys/devices/platform/${d%:*}/of_node"
done
ln -s ../../../bus/platform/drivers/pmic "$sys/devices/platform/50.pmic/driver"
printf '60.keys\tplatform: wait for supplier /pmic@50/key-pins\n' > "$sys/kernel/debug/devices_deferred"
{ cat il.log; echo "[  13.0] x: serial SN-PRIVATE"; } > il/var/log/dmesg
expect 1 "^1 waits for 1: 50.pmic: up, driver pmic$" live --sysroot il
grep -q "but who needs a node below it still waits" out || wrong "live: $(cat out)"
grep -q "waiting: 60.keys" out || wrong "live: who: $(cat out)"
grep -q "^IOMMU: 10.decon came late" out || wrong "live: the log: $(cat out)"
run live --sysroot il --json
python3 "$here/schema.py" "$top/docs/json.md" "live" out >> wrong || wrong "live --json"
run capture --sysroot il -o il.tar.gz
grep -q "complains of IOMMUs .*: weir live il.tar.gz explains it$" err || wrong "capture: $(cat err)"
sh "$top/tool/capture/weir-capture.sh" il2.tar.gz il 2>> wrong.txt
for archive in il.tar.gz il2.tar.gz; do
	mkdir "$archive.d"
	tar xzf $archive -C "$archive.d"
	grep -q SN-PRIVATE "$archive.d/weir-capture/log" && wrong "$archive: lines of no concern"
	expect 1 "^IOMMU: 5000.iommu blocked id 0x429" live $archive
	expect 1 "^IOMMU: 5000.iommu blocked id 0x429" live $archive
done
cmp il.tar.gz.d/weir-capture/log il2.tar.gz.d/weir-capture/log >> wrong
result "live, capture: the same of a running system"
