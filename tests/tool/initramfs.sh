# SPDX-License-Identifier: MIT
#
# Initramfs images: what is in them comes first, by itself, in every packing; what is
# missing is named; firmware; damage. Part of run.sh.

cat > ir.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <1>;
	#size-cells = <1>;
	aliases { mmc0 = &disk; };
	clk: clock { compatible = "acme,soc-clk"; #clock-cells = <0>; };
	disk: mmc@1000 { compatible = "acme,disk"; reg = <0x1000 0x100>; clocks = <&clk>; };
	net: ethernet@2000 { compatible = "acme,net"; reg = <0x2000 0x100>; };
	dsp: dsp@3000 { compatible = "acme,dsp"; reg = <0x3000 0x100>; firmware-name = "acme/dsp.mbn"; };
	usb: usb@4000 { compatible = "acme,usb"; reg = <0x4000 0x100>; firmware-name = "acme/usb-2.bin"; };
	wifi: wifi@6000 { compatible = "acme,wifi"; reg = <0x6000 0x100>; };
	plain: plain@5000 { compatible = "acme,plain"; reg = <0x5000 0x100>; };
};
END
compile ir.dts ir.dtb

# ko NAME FIRMWARE CALL: a module file that asks for firmware by that function.
ko() {
	{
		printf '%s\n' "static const char info[] __attribute__((section(\".modinfo\"), used)) = \"license=MIT\\0firmware=$2\";"
		printf '%s\n' "extern int $3(void); int $1_init(void) { return $3(); }"
	} > ko.c
	cc -fno-stack-protector -c -o "$4/$1.ko" ko.c 2> cc.log || wrong "cc: $(cat cc.log)"
}

version=6.12.0-ir
modules=irk/lib/modules/$version
mkdir -p $modules/kernel irk/boot
for m in clk_soc disk net; do : > $modules/kernel/$m.ko; done
: > $modules/kernel/bus.ko
ko dsp "" rproc_add $modules/kernel
ko usb "acme/usb-1.bin\\0firmware=acme/usb-2.bin" request_firmware $modules/kernel
ko wifi "acme/wifi-1.bin\\0firmware=acme/wifi-2.bin" request_firmware $modules/kernel
ko plain acme/plain.bin firmware_request_nowarn $modules/kernel
cat > $modules/modules.alias <<'END'
alias of:N*T*Cacme,soc-clk clk_soc
alias of:N*T*Cacme,disk disk
alias of:N*T*Cacme,net net
alias of:N*T*Cacme,dsp dsp
alias of:N*T*Cacme,usb usb
alias of:N*T*Cacme,plain plain
alias of:N*T*Cacme,wifi wifi
END
for m in clk_soc net dsp usb plain wifi bus; do echo "kernel/$m.ko:"; done > $modules/modules.dep
echo "kernel/disk.ko: kernel/bus.ko" >> $modules/modules.dep
: > $modules/modules.builtin
: > $modules/modules.order
export WEIR_NO_CACHE=1

# image OUT MODULE...: an archive of the directory root with these modules and their index.
image() {
	out=$1
	shift
	rm -rf root/usr/lib/modules
	mkdir -p root/usr/lib/modules/$version/kernel root/usr/bin
	[ -L root/lib ] || ln -s usr/lib root/lib
	: > root/usr/bin/udevadm
	cp $modules/modules.alias root/usr/lib/modules/$version
	for m; do
		cp $modules/kernel/$m.ko root/usr/lib/modules/$version/kernel
		grep "^kernel/$m.ko" $modules/modules.dep
	done > root/usr/lib/modules/$version/modules.dep
	(cd root && find . | sort | cpio --quiet -o -H newc) > "$out" 2> cpio.log || wrong "cpio: $(cat cpio.log)"
}
on="boot ir.dtb --kernel irk"

rm -rf root
image whole.img clk_soc disk bus
expect 0 "mmcblk0p1 from the initramfs alone: YES: /mmc@1000 comes up" $on --initramfs whole.img --root /dev/mmcblk0p1
grep -q "^initramfs whole.img (plain): 3 modules of $version, loaded by udevadm" out || wrong "$(cat out)"
grep -q "module only on the root file system: .*2000.ethernet" out || wrong "$(cat out)"
image less.img disk bus
expect 1 "from the initramfs alone: NO: /mmc@1000 is tried at 10.0 s only" $on --initramfs less.img --root /dev/mmcblk0p1
grep -q "module clk_soc is not in the initramfs; needed by clock" out || wrong "$(cat out)"
grep -q "with that it comes up (tried)" out || wrong "$(cat out)"
image dep.img clk_soc disk
expect 1 "module bus is not in the initramfs; needed by disk" $on --initramfs dep.img --for disk
grep -q "module disk is" out && wrong "disk is there: $(cat out)"
image none.img
expect 1 "with these it comes up" $on --initramfs none.img --root PARTUUID=1234
expect 1 "module clk_soc is not" $on --initramfs none.img --root /dev/mmcblk0p1
expect 0 "from the initramfs alone: /mmc@1000 comes up" explain ir.dtb disk --kernel irk --initramfs whole.img
expect 0 "from the initramfs alone: /mmc@1000 is tried .*clk_soc is not loaded" explain ir.dtb disk --kernel irk --initramfs less.img
result "initramfs: the root device comes up from it, or what is missing"

for how in 'gzip -c' 'xz -c --check=crc32' 'zstd -c' 'lz4 -l -c' 'bzip2 -c' 'xz --format=lzma -c'; do
	command -v "${how%% *}" > /dev/null || continue
	$how < whole.img > packed 2> /dev/null
	{ (mkdir -p early/kernel && cd early && find . | cpio --quiet -o -H newc); cat packed; } > two.img
	expect 0 "^initramfs two.img \(plain [+] [a-z0-9]+\): 3 modules" $on --initramfs two.img --root /dev/mmcblk0
	head -c $(($(wc -c < two.img) - 30)) two.img > cut.img
	refuses "cut.img: (offset|.* offset)" $on --initramfs cut.img
done
result "initramfs: each packing, behind an early archive, and cut short"

bytes=$(wc -c < less.img)
at=512
while [ $at -lt "$((bytes - 512))" ]; do
	head -c $at less.img > cut.img
	refuses "cut.img: .*offset [0-9]+" $on --initramfs cut.img
	at=$((at + 517))
done
printf '\200hsqs' > odd.img
refuses "odd.img:1: neither" $on --initramfs odd.img
printf 'root:x:0:0:root:/root:/bin/sh\n' > odd.img
refuses "odd.img:1: neither" $on --initramfs odd.img
printf 'disk\0bus' > odd.img
refuses "odd.img: neither an initramfs image nor a list" $on --initramfs odd.img
sed "s/$version/6.12.1-ir/g" whole.img > other.img
refuses "other.img: it has modules of 6.12.1-ir, and the kernel is $version" $on --initramfs other.img
refuses "no /dev|not a path" $on --initramfs whole.img --root /dev/loop0
refuses "the board has no PCI" $on --initramfs whole.img --root /dev/nvme0n1
refuses "root needs --initramfs" $on --root /dev/mmcblk0
refuses "exclude each other" $on --initramfs whole.img --root /dev/mmcblk0 --for disk
result "initramfs: damage, another kernel's modules, roots that the board has not"

mkdir -p root/etc/modprobe.d root/conf root/usr/lib/firmware
echo "blacklist clk_soc" > root/etc/modprobe.d/x.conf
image black.img clk_soc disk bus
expect 1 "module clk_soc is in the initramfs, but blacklisted there" $on --initramfs black.img --for disk
echo "clk-soc some=option" > root/conf/modules
image listed.img clk_soc disk bus
expect 0 "alone: YES" $on --initramfs listed.img --for disk
echo "install clk_soc /bin/false" > root/etc/modprobe.d/x.conf
image never.img clk_soc disk bus
expect 1 "modprobe.d never loads it" $on --initramfs never.img --for disk
rm root/etc/modprobe.d/x.conf root/conf/modules
expect 1 "alone: NO" $on --initramfs whole.img --for disk --cmdline "quiet module_blacklist=x,clk-soc"
expect 1 "alone: NO" $on --initramfs whole.img --for disk --cmdline "modprobe.blacklist=clk_soc"
result "initramfs: lists and modprobe.d are heeded"

image fw.img clk_soc disk bus dsp usb plain wifi
expect 1 "3000.dsp .dsp.: no firmware acme/dsp.mbn in the initramfs: it is bound, and stays off" $on --initramfs fw.img
grep -q "4000.usb (usb): no firmware acme/usb-2.bin in the initramfs: its probe fails" out || wrong "$(cat out)"
grep -q "2 more devices may want firmware" out || wrong "$(cat out)"
expect 1 "^usb@4000 .*: driver usb failed" explain ir.dtb usb --kernel irk --initramfs fw.img
expect 1 "firmware acme/usb-2.bin is not in the initramfs; needed by 4000.usb" $on --initramfs fw.img --for usb
expect 0 "wifi-1.bin .nor any of 1 others.*may|not modelled" explain ir.dtb wifi --kernel irk --initramfs fw.img
expect 0 "plain.bin in the initramfs: optional" explain ir.dtb plain --kernel irk --initramfs fw.img
expect 0 "^dsp@3000 .*: up" explain ir.dtb dsp --kernel irk --initramfs fw.img
mkdir -p root/usr/lib/firmware/acme
: > root/usr/lib/firmware/acme/usb-2.bin.zst
image fw2.img clk_soc disk bus usb
expect 0 "alone: YES" $on --initramfs fw2.img --for usb
# with its module on the root file system, so is its firmware, unless --firmware says otherwise
expect 0 "^usb@4000 .*: up" explain ir.dtb usb --kernel irk --initramfs whole.img
mkdir -p rootfw/acme
expect 1 "^usb@4000 .*: driver usb failed" explain ir.dtb usb --kernel irk --initramfs whole.img --firmware rootfw
: > rootfw/acme/usb-2.bin.xz
expect 0 "^usb@4000 .*: up" explain ir.dtb usb --kernel irk --initramfs whole.img --firmware rootfw
result "initramfs: firmware that is missing, there, and later on the root file system"

run boot ir.dtb --kernel irk --initramfs less.img --root /dev/mmcblk0 --json
python3 "$here/schema.py" "$top/docs/json.md" boot out >> wrong 2>&1
python3 - out >> wrong 2>&1 <<'END'
import json, sys
d = json.load(open(sys.argv[1]))['initramfs']
if d['verdict'] != 'no' or not d['enough'] or [l['name'] for l in d['lacks']] != ['clk_soc']:
    print(d)
END
run boot ir.dtb --kernel irk --initramfs fw.img --events ir.events
expect 0 " 0 differ" replay ir.events
result "initramfs: JSON, and a replay"
unset WEIR_NO_CACHE
