# SPDX-License-Identifier: MIT
#
# Inputs as builds leave them: FIT and Android boot images made by mkimage and mkbootimg,
# deploy directories, packages of a split kernel. Part of run.sh.

XDG_CACHE_HOME=$work/image-cache
export XDG_CACHE_HOME
unset WEIR_NO_CACHE

cat > im.dts <<'END'
/dts-v1/;
/ {
	compatible = "acme,one", "acme,soc";
	model = "Acme One";
	clk: clock { compatible = "acme,im-clk"; #clock-cells = <0>; };
	disk { compatible = "acme,im-disk"; clocks = <&clk>; };
};
END
sed 's/acme,one/acme,two/; s/Acme One/Acme Two/; s/im-disk/im-tape/' im.dts > im2.dts
cat > imo.dts <<'END'
/dts-v1/;
/plugin/;
&clk { #address-cells = <0>; };
&{/} { extra { compatible = "acme,im-disk"; clocks = <&clk>; }; };
END
compile im.dts im.dtb
compile im2.dts im2.dtb
compile imo.dts imo.dtbo
version=6.12.0-im
modules=im/lib/modules/$version
mkdir -p $modules/kernel
for m in im_clk im_disk im_tape; do
	printf '%s\n' "static const char info[] __attribute__((section(\".modinfo\"), used)) = \"license=MIT\\0alias=of:N*T*Cacme,$(echo $m | tr _ -)\";" > ko.c
	cc -fno-stack-protector -c -o "$modules/kernel/$m.ko" ko.c 2> cc.log || wrong "cc: $(cat cc.log)"
	echo "alias of:N*T*Cacme,$(echo $m | tr _ -) $m" >> $modules/modules.alias
	echo "kernel/$m.ko:" >> $modules/modules.dep
done
: > $modules/modules.builtin
: > $modules/modules.order
# the head of an arm64 image (Documentation/arch/arm64/booting.rst), and what it calls itself
python3 -c '
import sys
head = b"MZ\0\0" + b"\0" * 12 + (4096).to_bytes(8, "little") + b"\0" * 32 + b"ARM\x64" + b"\0" * 4
sys.stdout.buffer.write((head + b"Linux version '$version' (a@b) #1 SMP\n\0").ljust(4096, b"\0"))' > im-Image
(cd im && find . | cpio -o -H newc --quiet) | gzip -n > im.cpio.gz
mkdir -p im-none && (cd im-none && mkdir -p etc && echo none > etc/none && find . | cpio -o -H newc --quiet) > none.cpio
# behind another only a packed one may stand anywhere
gzip -n -k none.cpio

# what all must give: three modules, and both devices up
run boot im.dtb --kernel im --initramfs im.cpio.gz
plain() { sed 's/(.*)//; /initramfs/d; /^  alone/d; /kernel image/d' out; }
plain > im.want
same() {
	run "$@"
	plain > im.got
	cmp -s im.got im.want || wrong "weir $*: $(cat out err); not: $(cat im.want)"
}
result "a board, a kernel and an initramfs to compare with"

# ---- FIT images ----

its() {
	cat <<END
/dts-v1/;
/ {
	description = "test";
	#address-cells = <1>;
	images {
		kernel-1 { data = /incbin/("$1"); type = "kernel"; arch = "arm64"; os = "linux"; compression = "$2";
			load = <0>; entry = <0>; hash-1 { algo = "crc32"; }; };
		fdt-one { data = /incbin/("im.dtb"); type = "flat_dt"; arch = "arm64"; compression = "none"; };
		fdt-two { data = /incbin/("im2.dtb"); type = "flat_dt"; arch = "arm64"; compression = "none"; };
		fdt-more { data = /incbin/("imo.dtbo"); type = "flat_dt"; arch = "arm64"; compression = "none"; };
		ramdisk-1 { data = /incbin/("im.cpio.gz"); type = "ramdisk"; arch = "arm64"; os = "linux"; compression = "none"; };
	};
	configurations {
		$3
		conf-one { kernel = "kernel-1"; fdt = "fdt-one"; ramdisk = "ramdisk-1"; };
		conf-two { kernel = "kernel-1"; fdt = "fdt-two"; };
		conf-more { kernel = "kernel-1"; fdt = "fdt-one", "fdt-more"; };
		conf-bare { kernel = "kernel-1"; };
	};
};
END
}

if command -v mkimage > /dev/null 2>&1; then
	gzip -n -c im-Image > im-Image.gz
	its im-Image.gz gzip 'default = "conf-one";' > im.its
	its im-Image none '' > im-choose.its
	mkimage -q -f im.its im.itb > mkimage.log 2>&1 || wrong "mkimage: $(cat mkimage.log)"
	mkimage -q -E -f im.its im-ext.itb > mkimage.log 2>&1 || wrong "mkimage -E: $(cat mkimage.log)"
	mkimage -q -E -p 0x8000 -f im.its im-pos.itb > mkimage.log 2>&1 || wrong "mkimage -p: $(cat mkimage.log)"
	mkimage -q -f im-choose.its im-choose.itb > mkimage.log 2>&1 || wrong "mkimage: $(cat mkimage.log)"
	for f in im.itb im-ext.itb im-pos.itb; do
		same boot $f --kernel im
		same boot im.dtb --kernel $f
		same boot $f
		grep -q "^weir: note: $f .FIT image.: the device tree is as built" err || wrong "$f: no note: $(cat err)"
	done
	expect 0 "Acme Two" boot im.itb#conf-two --kernel im
	expect 0 "^4 devices: 4 up|3 devices: 3 up" boot im.itb#conf-more --kernel im
	expect 0 "^extra " explain im.itb#conf-more /extra --kernel im
	expect 2 "no default among 4 configurations .conf-one, conf-two" boot im-choose.itb --kernel im
	expect 0 "Acme Two" boot im-choose.itb#conf-two --kernel im
	refuses "no configuration 'conf-3'; there are: conf-one" boot im.itb#conf-3 --kernel im
	expect 2 "configuration conf-bare without a device tree" boot im.itb#conf-bare --kernel im
	refuses "no boot image, of which" boot im.dtb#conf-one --kernel im
	expect 0 "initramfs im.itb" boot im.dtb --kernel im --initramfs im.itb --for /disk
	expect 2 "without a ramdisk" boot im.dtb --kernel im --initramfs im.itb#conf-two
	run diff im.itb#conf-one im.itb#conf-two --kernel im
	[ $status = 1 ] && grep -q tape out || wrong "diff of two configurations: $(cat out err)"
	result "FIT images: configurations, overlays, data inside, outside and at a position"

	# damage: cut at every 1,500 bytes, and places that lead out of the file
	size=$(wc -c < im-ext.itb)
	at=100
	while [ $at -lt "$size" ]; do
		head -c $at im-ext.itb > cut.itb
		run boot cut.itb
		[ $status = 2 ] || wrong "cut at $at: status $status: $(cat out err)"
		at=$((at + 1500))
	done
	# fdtput would leave the data outside of the tree behind
	for edit in 'data-offset 0x7fffffff' 'data-size 0xffffffff' 'data-offset 0xfffffff0'; do
		head -c "$(($(od -An -tu1 -j4 -N4 im-ext.itb | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')))" im-ext.itb > bad.itb
		# shellcheck disable=SC2086
		fdtput -t x bad.itb /images/fdt-one $edit
		head -c 65536 /dev/zero >> bad.itb
		expect 2 "/images/fdt-one: at offset [0-9]+, [0-9]+ bytes, is outside the file" boot bad.itb --kernel im
	done
	cp im.itb bad.itb
	fdtput -t s bad.itb /configurations/conf-one fdt nothing
	expect 2 "/images/nothing: a configuration names it, and it is not there" boot bad.itb --kernel im
	cp im.itb bad.itb
	fdtput -t s bad.itb /configurations default nothing
	expect 2 "default names none of them" boot bad.itb --kernel im
	result "FIT images: damage"
else
	number=$((number + 1))
	echo "ok $number # SKIP FIT images: no mkimage (u-boot-tools)"
fi

# ---- Android ----

# vendor_boot N and boot 4 are made here, of the published header, for mkbootimg may be too old:
# py KIND OUT KERNEL RAMDISKS... (NAME:TYPE:FILE) DTB
cat > android.py <<'END'
import struct, sys
kind, out, kernel, dtb, *disks = sys.argv[1:]
read = lambda p: open(p, "rb").read() if p != "-" else b""
pad = lambda b: b + b"\0" * (-len(b) % 4096)
if kind == "boot4":
    disk = b"".join(read(d) for d in disks)
    head = struct.pack("<8s4I4xxxxxxxxxxxx".replace("4xxxxxxxxxxxx", "16x") + "I1536sI",
                       b"ANDROID!", len(read(kernel)), len(disk), 0, 1584, 4, b"", 0)
    data = pad(head) + pad(read(kernel)) + pad(disk)
else:
    table, disk = b"", b""
    for d in disks:
        name, type_, path = d.split(":")
        table += struct.pack("<3I32s64x", len(read(path)), len(disk), int(type_), name.encode())
        disk += read(path)
    head = struct.pack("<8s5I2048sI16sIIQ4I", b"VNDRBOOT", 4, 4096, 0, 0, len(disk), b"", 0, b"test", 2128,
                       len(read(dtb)), 0, len(table), len(disks), 108, 0)
    data = pad(head) + pad(disk) + pad(read(dtb)) + pad(table)
open(out, "wb").write(data)
END
cat im.dtb im2.dtb > two.dtb

# modules as in Android's ramdisks: no directory for the version, absolute paths
mkdir -p imv/lib/modules
cp $modules/kernel/*.ko imv/lib/modules
cp $modules/modules.alias imv/lib/modules
sed 's,kernel/,/lib/modules/,' $modules/modules.dep > imv/lib/modules/modules.dep
printf 'im_clk.ko\nim_disk.ko\n' > imv/lib/modules/modules.load
(cd imv && find . | cpio -o -H newc --quiet) | gzip -n > imv.cpio.gz

python3 android.py boot4 boot4.img im-Image - none.cpio.gz || wrong "boot4"
python3 android.py vendor4 vendor4.img - im.dtb first:1:none.cpio dlkm:3:imv.cpio.gz rec:2:im-Image || wrong "vendor4"
same boot vendor4.img --kernel im
same boot vendor4.img --kernel boot4.img --kernel vendor4.img
same boot vendor4.img --kernel boot4.img --kernel vendor4.img --initramfs vendor4.img --initramfs boot4.img
expect 0 "initramfs vendor4.img.*: 3 modules" boot vendor4.img --kernel boot4.img --kernel vendor4.img \
	--initramfs vendor4.img --initramfs boot4.img --for /disk
python3 android.py vendor4 two.img - two.dtb dlkm:3:imv.cpio.gz
expect 2 "2 device trees in it .0: acme,one, 1: acme,two.: name one" boot two.img --kernel im
expect 0 "Acme Two" boot two.img#1 --kernel im
expect 0 "Acme Two" boot two.img#acme,two --kernel im
expect 2 "none of its 2 device trees is '2'" boot two.img#2 --kernel im
result "Android: vendor_boot 4 with its ramdisk table, boot 4, modules without a version's directory"

if command -v mkbootimg > /dev/null 2>&1; then
	for v in 0 1 2; do
		{ gzip -n -c im-Image; cat im.dtb; } > gz-dtb
		if [ $v = 2 ]; then
			mkbootimg --header_version 2 --kernel im-Image --ramdisk im.cpio.gz --dtb im.dtb --pagesize 2048 -o boot$v.img
		else
			mkbootimg --header_version $v --kernel gz-dtb --ramdisk im.cpio.gz --pagesize 2048 -o boot$v.img
		fi > mkbootimg.log 2>&1 || wrong "mkbootimg $v: $(cat mkbootimg.log)"
		same boot boot$v.img --kernel im
		same boot boot$v.img
		same boot im.dtb --kernel boot$v.img
		expect 0 "initramfs boot$v.img" boot im.dtb --kernel im --initramfs boot$v.img --for /disk
	done
	mkbootimg --header_version 3 --kernel im-Image --ramdisk none.cpio.gz --vendor_ramdisk imv.cpio.gz --dtb im.dtb \
		--pagesize 4096 --vendor_boot vendor3.img -o boot3.img > mkbootimg.log 2>&1 || wrong "mkbootimg 3: $(cat mkbootimg.log)"
	same boot vendor3.img --kernel boot3.img --kernel vendor3.img
	expect 0 "initramfs vendor3.img" boot vendor3.img --kernel boot3.img --kernel vendor3.img --initramfs vendor3.img --initramfs boot3.img --for /disk
	expect 2 "without a device tree" boot boot3.img --kernel im
	result "Android: boot 0 to 3, vendor_boot 3, trees behind the kernel"
else
	number=$((number + 1))
	echo "ok $number # SKIP Android boot images: no mkbootimg"
fi

for f in vendor4.img boot4.img; do
	for at in 8 100 2000 2120 4097 9000 13000; do
		[ "$(wc -c < $f)" -gt $at ] || continue
		head -c $at $f > cut.img
		run boot cut.img --kernel im
		[ $status = 2 ] || wrong "$f cut at $at: status $status: $(cat out err)"
		run boot im.dtb --kernel cut.img
		[ $status -le 2 ] || wrong "--kernel $f cut at $at: status $status"
	done
done
# patch OFFSET HEX: four bytes of vendor4.img
patch4() { cp vendor4.img bad.img && printf "$2" | dd of=bad.img bs=1 seek="$1" conv=notrunc 2> /dev/null; }
patch4 8 '\7\0\0\0'; expect 2 "of version 7" boot bad.img --kernel im
patch4 12 '\0\0\0\0'; expect 2 "pages of 0 bytes" boot bad.img --kernel im
patch4 2100 '\377\377\377\177'; expect 2 "dtb: at offset [0-9]+, 2147483647 bytes, is outside" boot bad.img --kernel im
patch4 2116 '\377\377\377\177'; expect 2 "2147483647 entries of 108 bytes do not fit" boot bad.img --kernel im
patch4 2120 '\4\0\0\0'; expect 2 "entries of 4 bytes do not fit" boot bad.img --kernel im
result "Android: damage"

# ---- tables of trees, trees behind a kernel ----

# The published layouts: "DTB and DTBO partitions", source.android.com; dtbtool.txt of dtbtool.
cat > table.py <<'END'
import gzip, struct, sys, zlib
kind, out, *files = sys.argv[1:]
read = lambda p: open(p, "rb").read()
if kind in ("dt0", "dt1"):
    entries, data, at = b"", b"", 32 + 32 * len(files)
    for n, f in enumerate(files):
        path, how = (f.split(":") + [""])[:2]
        blob = read(path)
        raw = zlib.compressobj(9, zlib.DEFLATED, -15)
        blob = {"": blob, "zlib": zlib.compress(blob), "raw": raw.compress(blob) + raw.flush(),
                "gzip": gzip.compress(blob)}[how]
        entries += struct.pack(">8I", len(blob), at + len(data), 0x10 + n, n, ["", "zlib", "gzip"].index(
            {"raw": "zlib"}.get(how, how)), 0, 0, 0)
        data += blob
    head = struct.pack(">8I", 0xd7b7ab1e, at + len(data), 32, 32, len(files), 32, 2048, int(kind[2]))
    result = head + entries + data
else: # qc1 to qc3; the first tree has two entries
    version = int(kind[2])
    at, data, entries = 2048, b"", b""
    for n, f in enumerate(files[:1] + files):
        blob = read(f)
        if n != 1:
            where = at + len(data)
            data += blob + b"\0" * (-len(blob) % 2048)
        entries += struct.pack("<%dI" % (3, 4, 8)[version - 1], *[200 + n, 8, 0, 0, 0, 0, 0, 0][:(3, 4, 8)[version - 1]])
        entries += struct.pack("<2I", where, len(blob))
    result = (struct.pack("<4s2I", b"QCDT", version, len(files) + 1) + entries).ljust(2048, b"\0") + data
open(out, "wb").write(result)
END
# patch FILE OFFSET BYTES: a copy in bad.img
patch() { cp "$1" bad.img && printf "$3" | dd of=bad.img bs=1 seek="$2" conv=notrunc 2> /dev/null; }

python3 table.py dt0 dtbo.img imo.dtbo
python3 table.py dt1 dtbos.img imo.dtbo:gzip im2.dtb:zlib imo.dtbo:raw imo.dtbo
python3 table.py dt0 dtb.img im.dtb im2.dtb
for part in dtbo.img dtbos.img#0 dtbos.img#2 dtbos.img#id=0x12 dtbos.img#id=0x13,rev=0x3; do
	expect 0 "^extra .*: up" explain im.dtb extra --overlay $part --kernel im
done
expect 2 "4 device trees in it .0: id=0x10,rev=0x0, 1: acme,two, 2: id=0x12,rev=0x2" explain im.dtb extra --overlay dtbos.img
refuses "none of its 4 device trees is 'id=0x1'" boot im.dtb --overlay dtbos.img#id=0x1 --kernel im
refuses "im2.dtb|dtbos.img#1: no overlay: it has no fragments" boot im.dtb --overlay dtbos.img#1 --kernel im
expect 2 "an overlay, and no board: name the board, and this with --overlay" boot dtbo.img --kernel im
expect 2 "an overlay, and no board" boot imo.dtbo --kernel im
expect 0 "Acme Two" boot dtb.img#1 --kernel im
expect 0 "Acme Two" boot dtb.img#acme,two --kernel im
expect 0 "Acme Two" boot dtb.img#id=0x11 --kernel im
for v in 1 2 3; do
	python3 table.py qc$v dt$v.img im.dtb im2.dtb
	expect 0 "Acme Two" boot dt$v.img#1 --kernel im
	expect 2 "2 device trees in it .0: acme,one, 1: acme,two." boot dt$v.img --kernel im
done
result "tables of trees: dtbo.img, dtb.img, dt.img (QCDT)"

patch dtb.img 4 '\0\1\0\0'; expect 2 "device tree table image of 65536 bytes cut short at offset" boot bad.img#0 --kernel im
patch dtb.img 12 '\0\0\0\4'; expect 2 "entries of 4 bytes do not fit" boot bad.img#0 --kernel im
patch dtb.img 16 '\377\377\377\377'; expect 2 "4294967295 entries of 32 bytes do not fit" boot bad.img#0 --kernel im
patch dtb.img 20 '\377\377\377\377'; expect 2 "table at offset 4294967295" boot bad.img#0 --kernel im
patch dtb.img 31 '\7'; expect 2 "of version 7, and 1 is the last" boot bad.img#0 --kernel im
patch dtb.img 36 '\377\377\377\377'; expect 2 "table entry 0: at offset 4294967295, [0-9]+ bytes, is outside" boot bad.img#0 --kernel im
patch dtbos.img 51 '\7'; expect 2 "packed in the unknown way 7" boot im.dtb --overlay bad.img#0 --kernel im
patch dtbos.img 190 'XXXXXXXXXXXX'; expect 2 "corrupt|no overlay|dtbos|bad.img" boot im.dtb --overlay bad.img#0 --kernel im
patch dt2.img 4 '\4\0\0\0'; expect 2 "QCDT at offset 0: version 4, and 1 to 3 are known" boot bad.img#0 --kernel im
patch dt2.img 8 '\377\377\377\177'; expect 2 "2147483647 entries do not fit" boot bad.img#0 --kernel im
patch dt2.img 28 '\0\0\0\177'; expect 2 "table entry 0: at offset 2130706432, [0-9]+ bytes, is outside" boot bad.img#0 --kernel im
head -c 2 dtbo.img > bad.img; expect 2 "." boot bad.img --kernel im
result "tables of trees: damage"

{ gzip -n -c im-Image; cat im.dtb; } > Image.gz-dtb
{ cat im-Image; head -c 8 /dev/zero; cat im.dtb im2.dtb; } > Image-dtb
same boot Image.gz-dtb --kernel im
grep -q "^weir: note: Image.gz-dtb .kernel with device trees behind it.: the device tree is as built" err || wrong "no note: $(cat err)"
expect 0 "kernel 6.12.0-im" boot Image.gz-dtb
same boot im.dtb --kernel im --kernel Image.gz-dtb
expect 2 "2 device trees in it .0: acme,one, 1: acme,two." boot Image-dtb --kernel im
expect 0 "Acme Two" boot Image-dtb#1 --kernel im
# a tree inside of a kernel is the kernel's own
{ cat im-Image im.dtb; printf 'code behind it'; } > Image-own
expect 2 "not a device tree|no device tree|magic" boot Image-own --kernel im
if command -v mkbootimg > /dev/null 2>&1; then
	# before there were versions, the size of Qualcomm's table stood where the version is
	mkbootimg --header_version 0 --kernel im-Image --ramdisk im.cpio.gz --pagesize 2048 -o qc.img > mkbootimg.log 2>&1
	size=$(wc -c < dt2.img)
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((size & 255)))\\$(printf %o $((size >> 8 & 255)))\\0\\0" | dd of=qc.img bs=1 seek=40 conv=notrunc 2> /dev/null
	cat dt2.img >> qc.img
	expect 0 "Acme Two" boot qc.img#1 --kernel im
	head -c 9000 qc.img > bad.img
	run boot bad.img#1 --kernel im
	[ $status = 2 ] || wrong "qc.img cut short: $status $(cat out err)"
fi
result "trees behind a kernel, and Qualcomm's section of a boot image"

# ---- all boards of a directory ----

mkdir -p lot/sub
cp im.dtb lot/sub/one.dtb
gzip -n -c im2.dtb > lot/two.dtb.gz
cp dtb.img dtbos.img Image-dtb lot
cp im.cpio.gz lot/initrd.img
[ ! -e im.itb ] || cp im.itb lot/sub
expect 0 "boards: on [0-9]+ nothing waits" check lot --kernel im
for board in sub/one.dtb two.dtb.gz dtb.img#0 dtb.img#1 dtbos.img#1 Image-dtb#0 Image-dtb#1; do
	grep -q "^$board  *2 of  *2 up\|^$board  *[0-9]* of" out || wrong "check: no $board: $(cat out)"
done
[ ! -e im.itb ] || grep -q '^sub/im.itb#conf-two' out || wrong "check: no FIT: $(cat out)"
grep -q 'initrd\|dtbos.img#0\|conf-bare' out && wrong "check: what is no board: $(cat out)"
head -c 500 dtb.img > lot/cut.img
expect 2 "cut.img.*cut short|cut.img .*cannot be read" check lot --kernel im
rm lot/cut.img
sed 's/disk {/mmc@1000 { reg = <0 0x1000 0 0x100>;/; s/compatible = "acme,one"/#address-cells = <2>; #size-cells = <2>; &/' im.dts > imm.dts
compile imm.dts imm.dtb
mkdir lot2 && python3 table.py dt0 lot2/dtb.img imm.dtb imm.dtb && cp imm.dtb lot2
expect 0 "mmc, on 3 of 3 boards: 2 modules" plan --boards lot2 --root mmc --kernel im
mkdir -p none.boards && cp im.cpio.gz none.boards/initrd.img
refuses "no device trees .* and no boot images with some" check none.boards --kernel im
result "all boards of a directory: trees, packed ones, and what is in boot images"

# ---- a deploy directory ----

mkdir -p deploy
date=--6.12+git0-r0-acme-20240101
cp im-Image deploy/Image$date.bin
ln -s Image$date.bin deploy/Image
ln -s Image$date.bin deploy/Image-acme.bin
tar -C im -czf deploy/modules$date.tgz .
tar -C im-none -czf deploy/modules--6.11-r0-acme-20230101.tgz .
ln -s modules$date.tgz deploy/modules-acme.tgz
cp im.dtb deploy/one$date.dtb
cp im2.dtb deploy/one--6.11-r0-acme-20230101.dtb
ln -s one$date.dtb deploy/one.dtb
ln -s one$date.dtb deploy/one-acme.dtb
same boot deploy
grep -q "^weir: note: deploy/one.dtb .deploy directory.: the device tree is as built" err || wrong "no note: $(cat err)"
same boot deploy/one.dtb --kernel deploy
cp im2.dtb deploy/two$date.dtb
ln -s two$date.dtb deploy/two.dtb
refuses "several device trees .(one|two).dtb, .*: name one" boot deploy
same boot deploy/one.dtb --kernel deploy
if [ -e im.itb ]; then
	rm deploy/Image*
	cp im.itb deploy/fitImage$date.bin
	ln -s fitImage$date.bin deploy/fitImage
	mkdir deploy2 && cp -P deploy/fitImage* deploy/modules-acme.tgz deploy/modules$date.tgz deploy2
	same boot deploy/one.dtb --kernel deploy
	expect 2 "two directories of a kernel" boot deploy/one.dtb --kernel deploy --kernel im
fi
mkdir -p empty.deploy
refuses "without a device tree or fitImage" boot empty.deploy
result "a deploy directory: links, dates, tarball of modules, fitImage"

# ---- packages of a split kernel ----

mkdir -p core/lib/modules/$version/kernel core/boot more/usr/lib/modules/$version/kernel
cp im-Image core/boot/vmlinuz-$version
cp $modules/kernel/im_clk.ko core/lib/modules/$version/kernel
cp $modules/kernel/im_disk.ko $modules/kernel/im_tape.ko more/usr/lib/modules/$version/kernel
: > core/lib/modules/$version/modules.builtin
: > core/lib/modules/$version/modules.order
# an index that knows of its own modules alone must not stay
grep im_clk $modules/modules.alias > core/lib/modules/$version/modules.alias
echo "kernel/im_clk.ko:" > core/lib/modules/$version/modules.dep
tar -C core -cf core.tar .
tar -C more -cf more.tar .
for again in 1 2; do
	same boot im.dtb --kernel core.tar --kernel more.tar
	same boot im.dtb --kernel more.tar --kernel core.tar
done
WEIR_NO_CACHE=1 TMPDIR=$work same boot im.dtb --kernel core.tar --kernel more.tar
ls -d weir-package-* 2> /dev/null >> wrong
tar -C im -cf im.tar .
same boot im.dtb --kernel im.tar --kernel im-Image
same boot im.dtb --kernel im --kernel im-Image
refuses "two kernel images: im-Image and im-Image" boot im.dtb --kernel im-Image --kernel im --kernel im-Image
refuses "two directories of a kernel" boot im.dtb --kernel im --kernel more
refuses "two directories of modules" boot im.dtb --kernel im --kernel im.tar
printf 'ADBd and so on' > three.apk
refuses "an Alpine package of format 3 .ADB., which is not read: unpack it .*apk extract --destination DIR" boot im.dtb --kernel three.apk
result "packages of a split kernel, and what cannot go together"

# an initramfs behind another; a log that is replayed reads both again
expect 0 "3 modules" boot im.dtb --kernel im --initramfs none.cpio --initramfs im.cpio.gz --for /disk --events two.events
expect 0 "." replay two.events
echo im_clk > list
refuses "no initramfs image, behind which" boot im.dtb --kernel im --initramfs list --initramfs im.cpio.gz
refuses "no initramfs image, which could" boot im.dtb --kernel im --initramfs im.cpio.gz --initramfs list
result "several initramfs images, one behind the other"
unset XDG_CACHE_HOME
