# SPDX-License-Identifier: MIT
#
# weir plan: on a tree and a kernel made for it, each kind of reason is found, nothing
# else is named, and the formats are those that their readers take. Part of run.sh.

index=plan-kernel/lib/modules/6.12.0-plan
mkdir -p $index/kernel/drivers/remoteproc
cat > $index/modules.alias <<'END'
alias of:N*T*Cacme,mmc host_mmc
alias of:N*T*Cacme,clk clk_acme
alias of:N*T*Cacme,phy phy_acme
alias of:N*T*Cacme,i2c i2c_acme
alias of:N*T*Cacme,pm77 pm77_spi
alias of:N*T*Cacme,pm77 pm77_i2c
alias of:N*T*Cacme,iommu iommu_acme
alias of:N*T*Cacme,pcie pcie_acme
alias of:N*T*Cacme,usb usb_acme
alias of:N*T*Cacme,uart uart_acme
alias of:N*T*Cacme,dma dma_acme
alias of:N*T*Cacme,dsp dsp_acme
alias of:N*T*Cacme,panel panel_acme
alias of:N*T*Cacme,dsi dsi_acme
alias of:N*T*Cacme,crtc crtc_acme
alias of:N*T*Cacme,late late_acme
alias of:N*T*Cacme,mmc host_mmc_other
alias platform:pm77-regulator pm77_regulator
alias platform:pm77-rtc pm77_rtc
alias auxiliary:clk_acme.reset reset_acme
alias auxiliary:clk_acme_x.reset reset_other
alias mmc:block mmc_block
alias crypto-crc crc_acme
alias pci:v*d*sv*sd*bc01sc08i02* nvme
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias virtio:d00000017v* virtio_iommu
END
cat > $index/modules.dep <<'END'
kernel/drivers/mmc/host/host_mmc.ko: kernel/drivers/mmc/core/mmc-core.ko
kernel/drivers/mmc/host/host_mmc_other.ko:
kernel/drivers/mmc/core/mmc-core.ko:
kernel/drivers/mmc/core/mmc_block.ko: kernel/drivers/mmc/core/mmc-core.ko
kernel/drivers/clk/clk_acme.ko:
kernel/drivers/phy/phy_acme.ko:
kernel/drivers/i2c/i2c_acme.ko:
kernel/drivers/mfd/pm77.ko:
kernel/drivers/mfd/pm77-spi.ko: kernel/drivers/mfd/pm77.ko
kernel/drivers/mfd/pm77-i2c.ko: kernel/drivers/mfd/pm77.ko
kernel/drivers/regulator/pm77-regulator.ko:
kernel/drivers/rtc/pm77-rtc.ko:
kernel/drivers/reset/reset_acme.ko:
kernel/drivers/reset/reset_other.ko:
kernel/drivers/iommu/iommu_acme.ko:
kernel/drivers/pci/pcie_acme.ko:
kernel/drivers/usb/usb_acme.ko:
kernel/drivers/tty/uart_acme.ko:
kernel/drivers/dma/dma_acme.ko:
kernel/drivers/remoteproc/dsp_acme.ko:
kernel/drivers/gpu/panel_acme.ko:
kernel/drivers/gpu/dsi_acme.ko:
kernel/drivers/gpu/crtc_acme.ko:
kernel/drivers/late_acme.ko:
kernel/drivers/nvme/nvme.ko:
kernel/drivers/virtio/virtio_pci.ko:
kernel/drivers/iommu/virtio_iommu.ko:
kernel/lib/crc_acme.ko:
kernel/fs/ext4.ko: kernel/lib/crc_acme.ko
END
sed 's/:.*//' $index/modules.dep > $index/modules.order
printf 'softdep phy_acme pre: crypto-crc\n' > $index/modules.softdep
: > $index/modules.builtin
cat > plan.dts <<'END'
/dts-v1/;
/ {
	model = "Plan";
	aliases { mmc1 = "/mmc@1000"; serial0 = "/serial@2000"; };
	chosen { stdout-path = "serial0:115200"; };
	clk: clock-controller@1 {
		compatible = "acme,clk"; reg = <1>; #clock-cells = <1>; #reset-cells = <1>;
		clocks = <&usbphy 0>;
	};
	usbphy: phy@2 {
		compatible = "acme,phy"; reg = <2>; #phy-cells = <0>; #clock-cells = <1>;
		clocks = <&clk 5>;
	};
	iommu: iommu@3 { compatible = "acme,iommu"; reg = <3>; #iommu-cells = <1>; clocks = <&clk 1>; };
	dma: dma@4 { compatible = "acme,dma"; reg = <4>; #dma-cells = <1>; };
	i2c@5 {
		compatible = "acme,i2c"; reg = <5>; #address-cells = <1>; #size-cells = <0>;
		pmic@1b {
			compatible = "acme,pm77"; reg = <0x1b>;
			regulators { ldo: ldo1 { regulator-name = "ldo1"; }; };
		};
	};
	mmc@1000 {
		compatible = "acme,mmc"; reg = <0x1000>; clocks = <&clk 0>; resets = <&clk 0>;
		vmmc-supply = <&ldo>; iommus = <&iommu 7>;
	};
	usb@1100 { compatible = "acme,usb"; reg = <0x1100>; phys = <&usbphy>; };
	serial@2000 { compatible = "acme,uart"; reg = <0x2000>; dmas = <&dma 0>; };
	spi@2100 { compatible = "acme,uart"; reg = <0x2100>; dmas = <&dma 0>; };
	dsp@3000 { compatible = "acme,dsp"; reg = <0x3000>; firmware-name = "acme/dsp.mbn"; };
	pcie@4000 {
		compatible = "acme,pcie"; device_type = "pci"; reg = <0x4000>; clocks = <&clk 2>;
		#address-cells = <3>; #size-cells = <2>; iommu-map = <0 &viommu 0 8>;
		viommu: iommu@8 {
			compatible = "virtio,pci-iommu", "pci1af4,1057"; reg = <0x800 0 0 0 0>;
			#iommu-cells = <1>;
		};
	};
	panel { compatible = "acme,panel"; port { a: endpoint { remote-endpoint = <&b>; }; }; };
	dsi@5200 {
		compatible = "acme,dsi"; reg = <0x5200>;
		ports {
			port@0 { b: endpoint { remote-endpoint = <&a>; }; };
			port@1 { c: endpoint { remote-endpoint = <&d>; }; };
		};
	};
	crtc@5300 { compatible = "acme,crtc"; reg = <0x5300>; port { d: endpoint { remote-endpoint = <&c>; }; }; };
	nodrv: regulator { compatible = "acme,nothing"; };
	late@6000 { compatible = "acme,late"; reg = <0x6000>; vdd-supply = <&nodrv>; };
	lost@7000 { compatible = "acme,lost"; reg = <0x7000>; };
};
END
compile plan.dts plan.dtb
p="plan plan.dtb --kernel plan-kernel"

# modules WORDS ARGS...: exactly these, in this order.
modules() {
	want=$1
	shift
	run $p --format list "$@"
	[ $status = 0 ] || wrong "$*: exit status $status: $(cat err)"
	[ "$(tr '\n' ' ' < out)" = "$want " ] || wrong "$*: $(tr '\n' ' ' < out), not $want"
}

mmc="clk_acme reset_acme iommu_acme i2c_acme pm77 pm77_i2c pm77_regulator mmc_core host_mmc mmc_block"
for spec in mmcblk1p2 /dev/mmcblk1p2 mmcblk1 mmc1 mmc mmc:mmc@1000 /mmc@1000; do
	modules "$mmc" --root $spec
done
expect 0 "^  clk_acme .*: clock of .*mmc@1000$" $p --root mmc
expect 0 "^  iommu_acme .*iommu@3: IOMMU of mmc@1000$" $p --root mmc
expect 0 "^~ pm77_regulator .*part of pmic@1b: regulator of mmc@1000$" $p --root mmc
expect 0 "^~ reset_acme " $p --root mmc
expect 0 "^  mmc_core .*host_mmc depends on it$" $p --root mmc
expect 0 "checked in [0-9]* runs: enough; without any one of 7 it does not come up" $p --root mmc
result "plan: clock, reset cell, PMIC cell, IOMMU, dependencies, of any way to name a root"

modules "clk_acme crc_acme phy_acme usb_acme" --for usb@1100
expect 0 "^[?] crc_acme .*phy_acme asks for it" $p --for usb@1100
modules "uart_acme" --console
modules "dma_acme uart_acme" --for spi@2100
expect 0 "^~ dma_acme .*DMA controller of spi@2100" $p --for spi@2100
modules "panel_acme dsi_acme crtc_acme" --display
modules "clk_acme virtio_pci virtio_iommu pcie_acme nvme" --root nvme0n1p1
modules "clk_acme virtio_pci virtio_iommu pcie_acme nvme crc_acme ext4" --root nvme --also ext4
result "plan: soft dependencies, DMA, cycles, console, display, PCI by class"

expect 0 "has no driver here" $p --for late@6000
modules "late_acme" --for late@6000
expect 1 "does not come up: lost@7000 .*: no driver in this kernel" $p --for lost@7000
expect 0 "clock-controller@1 has a driver that is denied: the kernel gives it up" $p --root mmc --deny clk_acme
# a list for an image tool goes into a file: what it does not say is said beside it
run $p --root mmc --deny clk_acme --format mkinitfs
grep -q "^weir: note: .*clock-controller@1 has a driver that is denied" err || wrong "beside the list: $(cat err)"
grep -q "denied" out && wrong "in the list: $(cat out)"
printf 'a@m acme,mmc\nb@m acme,clk\nd@m acme,i2c\ne@m acme,pm77\nf@m acme,iommu\n' > plan.list
expect 0 "^5 modules" plan plan.dtb --drivers plan.list --root mmc
result "plan: what the kernel gives up, what cannot come up, a driver list"

refuses "one of --root, --for" $p
refuses "exclude one another" $p --console --display
refuses "kernel is needed" plan plan.dtb --console
refuses "no device .no,such" $p --root no,such
refuses "not say on which .*mmc:/mmc@1000 or usb:/usb@1100" $p --root PARTUUID=01-02
refuses "usb:/usb@1100 or pci-sata:/pcie@4000" $p --root sda
refuses "no UFS controllers" $p --root ufs
expect 0 "root on ubi0:rootfs: spi@2100" $p --root ubi0:rootfs
expect 0 "root on flash: spi@2100" $p --root flash
printf '/dts-v1/;\n/ { compatible = "acme,bare"; };\n' > bare.dts
compile bare.dts bare.dtb
refuses "nothing here could have a disk 'vda': no hosts of virtio" plan bare.dtb --kernel plan-kernel --root vda
refuses "not one of list, dracut" $p --root mmc --format tar
refuses "exclude each other" $p --root mmc --format list --json
refuses "of one board" plan --boards . --kernel plan-kernel --for x
refuses "one board is needed" plan --kernel plan-kernel --root mmc
refuses "no device trees" plan --boards plan-kernel --kernel plan-kernel --root mmc
result "plan: bad usage"

same() {
	printf '%s\n' "$2" | cmp -s - out || wrong "$1: $(cat out)"
}
f="$p --root nvme --format"
run $f dracut
same dracut '# Plan, root on nvme: made by weir plan
force_drivers+=" clk_acme virtio_pci virtio_iommu pcie_acme nvme "'
run $f mkinitcpio
same mkinitcpio '# Plan, root on nvme: made by weir plan
MODULES=(clk_acme virtio_pci virtio_iommu pcie_acme nvme)'
for tool in initramfs-tools mkinitfs; do
	run $f $tool
	same $tool '# Plan, root on nvme: made by weir plan
clk_acme
virtio_pci
virtio_iommu
pcie_acme
nvme'
done
run $p --root mmc --format android
same android 'clk_acme.ko
reset_acme.ko
iommu_acme.ko
i2c_acme.ko
pm77.ko
pm77-i2c.ko
pm77-regulator.ko
mmc-core.ko
host_mmc.ko
mmc_block.ko'
run $p --root mmc --json
python3 "$here/schema.py" "$top/docs/json.md" plan out >> wrong || wrong "plan --json"
result "plan: formats, and --json as described"

mkdir -p plan-boards/sub
cp plan.dtb plan-boards/a.dtb
cat > other.dts <<'END'
/dts-v1/;
/ {
	model = "Other";
	mmc@1 { compatible = "acme,mmc"; reg = <1>; dmas = <&d 0>; };
	d: dma { compatible = "acme,dma"; #dma-cells = <1>; };
};
END
echo '/dts-v1/; / { model = "None"; };' > none.dts
compile other.dts plan-boards/sub/b.dtb
run plan --boards plan-boards --kernel plan-kernel --root mmc --json
[ $status = 0 ] || wrong "boards: $status"
python3 "$here/schema.py" "$top/docs/json.md" plans out >> wrong || wrong "plan --boards --json"
expect 0 "mmc, on 2 of 2 boards: 11 modules" plan --boards plan-boards --kernel plan-kernel --root mmc
# how far it is, on a terminal alone
[ ! -s err ] || wrong "progress without a terminal: $(cat err)"
if command -v script > /dev/null; then
	for args in "plan --boards plan-boards --kernel plan-kernel --root mmc" "check plan-boards --kernel plan-kernel"; do
		script -qec "'$weir' $args 2>&1 > told" typescript < /dev/null > progress
		grep -q "2 of 2 boards" progress || wrong "$args: no progress on a terminal: $(cat progress)"
	done
fi
expect 0 "dma_acme .*only sub/b.dtb" plan --boards plan-boards --kernel plan-kernel --root mmc -j 1
compile none.dts plan-boards/none.dtb
expect 1 "none.dtb: .*no SD and eMMC" plan --boards plan-boards --kernel plan-kernel --root mmc
result "plan: many boards, their union, and what one alone needs"

printf 'softdep phy_acme pre: crypto-crc post: phy_acme\nsoftdep crc_acme pre: phy_acme post: crc_acme\n' > $index/modules.softdep
expect 0 "^[ ?] crc_acme " $p --for usb@1100
for tree in "$cases"/broken/*.dts; do
	dtc -q -q -f -I dts -O dtb -o broken.dtb "$tree" 2> dtc.log || continue
	run plan broken.dtb --kernel plan-kernel --root mmc
	[ $status -le 2 ] || wrong "$tree: exit status $status"
done
result "plan: soft dependencies in a circle, broken trees"

# Module files: what firmware they ask for, and which start a remote processor.
cat > dsp.c <<'END'
int rproc_add(void *p);
int start(void);
int start(void) { return rproc_add(0); }
static const char info[] __attribute__((section(".modinfo"), used)) = "name=dsp_acme\0license=GPL";
END
cat > host.c <<'END'
static const char info[] __attribute__((section(".modinfo"), used)) = "firmware=acme/host.bin\0name=host_mmc";
END
mkdir -p $index/kernel/drivers/mmc/host
if cc -c -o $index/kernel/drivers/remoteproc/dsp_acme.ko dsp.c 2> cc.log &&
	cc -c -o $index/kernel/drivers/mmc/host/host_mmc.ko host.c 2>> cc.log; then
	expect 0 "host_mmc  *acme/host.bin" $p --root mmc
	expect 0 "leave out dsp_acme: .*remote processor .*acme/dsp.mbn" $p --root mmc
	run $p --root mmc --format dracut
	grep -q 'install_optional_items+=" /usr/lib/firmware/acme/host.bin "' out || wrong "dracut: $(cat out)"
	run $p --for dsp@3000
	grep -q "leave out" out && wrong "left out though wanted: $(cat out)"
	result "plan: firmware, and what starts a remote processor"
fi
