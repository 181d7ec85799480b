# SPDX-License-Identifier: MIT
#
# Kernel packages, and modules that depmod has never seen. Part of run.sh.

cat > pk.dts <<'END'
/dts-v1/;
/ {
	clk: clock { compatible = "acme,pk-clk"; #clock-cells = <0>; };
	disk { compatible = "acme,pk-disk"; clocks = <&clk>; };
};
END
compile pk.dts pk.dtb
mkdir -p pk/lib/modules/6.12.0-pk/kernel pk/boot
: > pk/lib/modules/6.12.0-pk/modules.order
: > pk/lib/modules/6.12.0-pk/modules.builtin
echo "# Linux/arm64 6.12.0-pk Kernel Configuration" > pk/boot/config-6.12.0-pk
for m in 'pk_clk alias=of:N*T*Cacme,pk-clk' 'pk-disk alias=of:N*T*Cacme,pk-disk\0depends=pk-bus' 'pk-bus license=MIT'; do
	printf '%s\n' "static const char info[] __attribute__((section(\".modinfo\"), used)) = \"license=MIT\\0${m#* }\";" > ko.c
	cc -fno-stack-protector -c -o "pk/lib/modules/6.12.0-pk/kernel/${m%% *}.ko" ko.c 2> cc.log || wrong "cc: $(cat cc.log)"
done
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

expect 0 "^kernel 6.12.0-pk: 0 drivers built in and 2 modules" boot pk.dtb --kernel pk
xz pk/lib/modules/6.12.0-pk/kernel/pk_clk.ko
expect 0 "^kernel 6.12.0-pk: 0 drivers built in and 2 modules" boot pk.dtb --kernel pk
echo "not ELF" > pk/lib/modules/6.12.0-pk/kernel/odd.ko
expect 0 " and 2 modules" boot pk.dtb --kernel pk
result "packages: modules that depmod has never seen"

run boot pk.dtb --kernel pk
mv out first
tar -C pk -cf pk.tar .
gzip -c pk.tar > pk.tgz
xz -c pk.tar > pk.txz
zstd -q -c pk.tar > pk.tzst
mkdir -p deb && (cd deb && echo 2.0 > debian-binary && tar -cf control.tar debian-binary && xz -c ../pk.tar > data.tar.xz &&
	ar rc ../pk.deb debian-binary control.tar data.tar.xz) 2> ar.log || wrong "ar: $(cat ar.log)"
for package in pk.tar pk.tgz pk.txz pk.tzst pk.deb; do
	for again in 1 2; do
		run boot pk.dtb --kernel $package
		cmp -s out first || wrong "$package: not as unpacked ($again): $(cat out err)"
	done
done
# an rpm: lead, two headers, here without entries, a packed cpio archive; an apk: packed tar archives one
# behind the other, of which only the last has an end
python3 - pk.tar <<'END' 2>> wrong || wrong "rpm and apk: cannot be made"
import gzip, io, stat, sys, tarfile
cpio = b''
def put(name, mode, data):
    global cpio
    fields = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b'070701' + b''.join(b'%08x' % f for f in fields) + name.encode() + b'\0'
    cpio += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
with tarfile.open(sys.argv[1]) as tar:
    for m in tar:
        if m.isfile():
            put(m.name, stat.S_IFREG | 0o644, tar.extractfile(m).read())
put('TRAILER!!!', 0, b'')
header = bytes.fromhex('8eade801') + bytes(12)
lead = bytes.fromhex('edabeedb0300') + bytes(90)
open('pk.rpm', 'wb').write(lead + header + header + gzip.compress(cpio))
first = io.BytesIO()
with tarfile.open(fileobj=first, mode='w') as tar:
    info = tarfile.TarInfo('.PKGINFO')
    info.size = 4
    tar.addfile(info, io.BytesIO(b'a=b\n'))
open('pk.apk', 'wb').write(gzip.compress(first.getvalue()[:1024]) + gzip.compress(open(sys.argv[1], 'rb').read()))
END
for package in pk.rpm pk.apk; do
	run boot pk.dtb --kernel $package
	cmp -s out first || wrong "$package: not as unpacked: $(cat out err)"
done
[ "$(find cache/weir -maxdepth 1 -name 'package-*' | wc -l)" = 7 ] || wrong "kept: $(ls cache/weir)"
WEIR_NO_CACHE=1 TMPDIR=$work run boot pk.dtb --kernel pk.deb
cmp -s out first || wrong "without cache: $(cat out err)"
ls -d weir-package-* 2> /dev/null >> wrong
result "packages: deb, rpm, apk and tar, in each packing, kept or not"

head -c $(($(wc -c < pk.txz) / 2)) pk.txz > cut.txz
refuses "cut.txz: " boot pk.dtb --kernel cut.txz
head -c $(($(wc -c < pk.deb) / 2)) pk.deb > cut.deb
refuses "cut.deb: " boot pk.dtb --kernel cut.deb
printf '!<arch>\n' > none.deb
refuses "none.deb: .*data.tar" boot pk.dtb --kernel none.deb
printf '\355\253\356\333 no package' > none.rpm
refuses "none.rpm: " boot pk.dtb --kernel none.rpm
tar -cf empty.tar pk.dts
refuses "empty.tar: no kernel image and no modules" boot pk.dtb --kernel empty.tar
# names that lead out of the directory, and links
mkdir -p out.d/lib/modules/6.12.0-pk evil
ln -s "$work/evil" out.d/lib/modules/link
echo x > evil.ko
tar -P -cf evil.tar --transform 's,^evil.ko,../../../../../../../../lib/modules/6.12.0-pk/evil.ko,' evil.ko -C out.d lib
tar -P -rf evil.tar --transform 's,^evil.ko,lib/modules/link/evil.ko,' evil.ko
run boot pk.dtb --kernel evil.tar
[ $status -le 2 ] || wrong "evil.tar: status $status"
find evil /lib/modules/6.12.0-pk -name evil.ko 2> /dev/null >> wrong
result "packages: damage, and names that lead elsewhere"
unset XDG_CACHE_HOME
