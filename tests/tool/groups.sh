# SPDX-License-Identifier: MIT
#
# weir groups: alone, by the same id, by masks, at IOMMUs without ids; and what a capture
# says. Part of run.sh; uses the captures of live.sh.

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
expect 0 "^as Linux made them:$" groups c.tar.gz
grep -q "^  group 3: sound usb$" out || wrong "groups of a capture: $(cat out)"
refuses "one board is needed" groups
refuses "No such file|no such file" groups none.dtb
result "groups: from firmware, and of a capture"
