# SPDX-License-Identifier: MIT
#
# weir groups: alone, by the same id, by masks, at IOMMUs without ids; and what a capture
# says. Part of run.sh; uses the captures of live.sh.

uses live

cat > groups.dts <<'END'
/dts-v1/;
/ {
	i: iommu { compatible = "a,mmu"; #iommu-cells = <1>; };
	z: small { compatible = "a,mmu0"; #iommu-cells = <0>; };
	s: smmu { compatible = "arm,mmu-500"; #iommu-cells = <2>; };
	one { compatible = "a,one"; iommus = <&i 1>; };
	two { compatible = "a,two"; iommus = <&i 2>; };
	three { compatible = "a,three"; iommus = <&i 3>, <&i 2>; };
	disp { compatible = "a,disp"; iommus = <&z>; };
	cam { compatible = "a,cam"; iommus = <&z>; };
	dma { compatible = "a,dma"; iommus = <&s 0x100 0xf>; };
	nic { compatible = "a,nic"; iommus = <&s 0x105 0>; };
	none { compatible = "a,none"; };
};
END
compile groups.dts groups.dtb
expect 0 "^7 devices in 4 groups, 3 of them shared$" groups groups.dtb
grep -A 1 "  one: /iommu 0x1$" out | grep -q "alone" || wrong "one: $(cat out)"
grep -q "  three: .*; the same id$" out || wrong "two and three: $(cat out)"
grep -Eq "  (cam|disp): /small; this IOMMU tells no masters apart$" out || wrong "cells: $(cat out)"
grep -Eq "  (dma|nic): .*; ids that a mask makes one$" out || wrong "masks: $(cat out)"
grep -q "none" out && wrong "a device without IOMMU: $(cat out)"
run groups groups.dtb --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups --json"
cat > groups-pci.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <2>; #size-cells = <2>;
	s: smmu { compatible = "arm,smmu-v3"; #iommu-cells = <1>; };
	off: off { compatible = "arm,smmu-v3"; #iommu-cells = <1>; status = "disabled"; };
	pcie@1 { compatible = "a,host"; device_type = "pci"; #address-cells = <3>; #size-cells = <2>; reg = <0 1 0 1>;
		iommu-map = <0x0 &s 0x0 0x100>, <0x200 &off 0 0xfe00>; };
	pcie@2 { compatible = "a,host"; device_type = "pci"; #address-cells = <3>; #size-cells = <2>; reg = <0 2 0 1>; };
};
END
compile groups-pci.dts groups-pci.dtb
expect 0 "^no device has a group: the tree has IOMMUs, and no device that is enabled names one" groups groups-pci.dtb
grep -q "^PCI host /pcie@1: requester ids 0x0-0xff: /smmu; requester ids 0x100-0x1ff: no IOMMU, no group; \
requester ids 0x200-0xffff: /off (disabled: no group)$" out || wrong "ranges: $(cat out)"
grep -q "^PCI host /pcie@2: no iommu-map: functions there have no IOMMU and no group$" out || wrong "no map: $(cat out)"
run groups groups-pci.dtb --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups --json of PCI hosts"
printf '/dts-v1/;\n/ { one { compatible = "a,one"; }; };\n' > groups-no.dts
compile groups-no.dts groups-no.dtb
expect 0 "^no device has a group: the tree has no IOMMU" groups groups-no.dtb
expect 0 "^as Linux made them:$" groups c.tar.gz
grep -q "^  group 3: sound usb$" out || wrong "groups of a capture: $(cat out)"
refuses "one board at most" groups groups.dtb c.tar.gz
refuses "one board at most" groups groups.dtb --sysroot root
expect 0 "^  group 3: sound usb$" groups --sysroot root
run groups --sysroot root --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups --sysroot --json"
refuses "No such file|no such file" groups none.dtb
result "groups: from firmware, and of a capture"

# PCI functions, of a machine without device tree; numbers of groups are not to be counted up to
mkdir -p seen/weir-capture
{
	host=pci0000:00
	printf '%s\tpci\t%s\t%s\t-\t-\n' \
		$host/0000:00:01.0 pcieport 2 $host/0000:00:01.0/0000:01:00.0 nvme 2 \
		$host/0000:00:02.0 - 5 $host/0000:00:02.1 xhci_hcd 5 \
		$host/0000:00:03.0 - 7 $host/0000:00:04.0 - 7 $host/0000:00:05.0 - -
	printf 'platform/far\tplatform\t-\t2147483647\t-\t-\n'
} > seen/weir-capture/devices
echo 1 > seen/weir-capture/version
tar -C seen -czf seen.tar.gz weir-capture
expect 0 "^  group 2: 0000:00:01.0 0000:01:00.0$" groups seen.tar.gz
grep -q "^    0000:01:00.0: below it" out || wrong "below a port: $(cat out)"
grep -q "^    0000:00:02.1: another function of the same slot" out || wrong "a slot: $(cat out)"
grep -q "^    0000:00:04.0: on the same bus" out || wrong "a bus: $(cat out)"
grep -q "^  group 2147483647: far$" out || wrong "a large number: $(cat out)"
grep -q "0000:00:05.0" out && wrong "a function without a group: $(cat out)"
run groups seen.tar.gz --json
python3 "$here/schema.py" "$top/docs/json.md" "board groups" out >> wrong || wrong "groups seen.tar.gz --json"
result "groups: PCI functions as Linux has them"
