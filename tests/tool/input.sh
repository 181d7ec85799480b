# SPDX-License-Identifier: MIT
#
# Input that cannot be read: one line that names the file, status 2. Part of run.sh.

compile "$cases/device-names.dts" whole.dtb
mkdir directory
: > empty
head -c 4000 "$weir" > program
echo 'driver@9 is no list, and this is no device tree' > text
cp whole.dtb magic.dtb
printf '\000' | dd of=magic.dtb conv=notrunc 2> dd.log
for verb in boot explain; do
	set --
	[ $verb = boot ] || set -- /
	refuses "nowhere: No such file" $verb nowhere "$@"
	refuses "directory: " $verb directory "$@"
	refuses "empty: .*offset 0" $verb empty "$@"
	refuses "text: .*offset 0" $verb text "$@"
	refuses "program: .*magic.*offset 0" $verb program "$@"
	refuses "magic.dtb: .*magic.*offset 0" $verb magic.dtb "$@"
done
result "files that are no device trees"

bytes=$(wc -c < whole.dtb)
at=0
while [ $at -lt "$bytes" ]; do
	head -c $at whole.dtb > cut.dtb
	refuses "cut.dtb: .*offset [0-9]+" boot cut.dtb
	at=$((at + 64))
done
[ $at -ge 640 ] || wrong "only $at bytes"
result "a tree cut at every 64th of $bytes bytes"

# The header still says how long it was: what is missing reads as zeroes.
at=64
while [ $at -lt "$bytes" ]; do
	head -c $at whole.dtb > holed.dtb
	truncate -s "$bytes" holed.dtb
	run boot holed.dtb
	[ $status != 2 ] || refuses "holed.dtb: .*offset [0-9]+" boot holed.dtb
	at=$((at + 64))
done
result "a tree with zeroes from every 64th byte on"

# Bytes that look random, the same every time.
for seed in 1 2 3 4 5 6 7 8; do
	awk -v s=$seed 'BEGIN { srand(s); for (i = 0; i < 3000; i++) printf "%c", 1 + int(rand() * 126) }' > noise
	refuses "noise: .*offset 0" boot noise
	# The same behind a proper header.
	{ head -c 40 whole.dtb; cat noise; } | head -c "$bytes" > noise.dtb
	truncate -s "$bytes" noise.dtb
	refuses "noise.dtb: .*offset [0-9]+" boot noise.dtb
done
result "random bytes, with and without a header"

# Whatever byte is wrong, it is read or refused.
at=0
while [ $at -lt "$bytes" ]; do
	cp whole.dtb hurt.dtb
	printf '\377' | dd of=hurt.dtb bs=1 seek=$at conv=notrunc 2> dd.log
	run boot hurt.dtb --json
	case $status in
	0 | 1) python3 -m json.tool out > /dev/null 2>> wrong || wrong "byte $at: no JSON" ;;
	2) [ "$(wc -l < err)" = 1 ] || wrong "byte $at: $(cat err)" ;;
	*) wrong "byte $at: exit status $status" ;;
	esac
	at=$((at + 13))
done
result "every 13th byte changed"

for form in xz gzip zstd; do
	command -v $form > /dev/null || continue
	$form -c "$demo" > "demo.$form"
	run boot "$demo"
	grep -v demo out > plain
	run boot "demo.$form"
	grep -v demo out | cmp -s - plain || wrong "$form: not as unpacked: $(cat err)"
	head -c 300 "demo.$form" > "cut.$form"
	refuses "cut.$form: " boot "cut.$form"
done
result "compressed trees, whole and cut"

refuses "directory: .*not a kernel directory" boot whole.dtb --kernel directory
refuses "nowhere: " boot whole.dtb --kernel nowhere
refuses "text" boot whole.dtb --kernel text
refuses "directory: .*not a kernel directory" check . --kernel directory
refuses "nowhere: " boot whole.dtb --drivers nowhere
refuses "text:1: " boot whole.dtb --drivers text
refuses "program: .*offset" boot whole.dtb --drivers program
refuses "nowhere: " boot whole.dtb --load nowhere
refuses "nowhere: " boot whole.dtb --initramfs nowhere
expect 2 "nowhere: " boot whole.dtb --baseline nowhere
expect 2 "text:1: " boot whole.dtb --baseline text
echo '{}' > object
expect 2 'object: .*"devices"' boot whole.dtb --baseline object
expect 2 "directory/no/file: " boot whole.dtb --events directory/no/file
result "kernels, driver lists and other files that are none"

refuses "nowhere: No such file" check nowhere
refuses "directory: no device trees" check directory
cp whole.dtb directory/good.dtb
cp magic.dtb directory/bad.dtb
ln -s nowhere directory/dangling.dtb
expect 2 "^3 boards: .* 2 unreadable" check directory
grep -q "^good.dtb .* up" out || wrong "the good board is missing: $(cat out)"
grep -q "^bad.dtb .*cannot be read" out || wrong "the bad board has no line: $(cat out)"
[ "$(wc -l < err)" = 2 ] || wrong "not a line for each that cannot be read: $(cat err)"
grep -q "bad.dtb: .*offset 0" err || wrong "no offset: $(cat err)"
expect 2 unreadable check directory --json --jobs 2
python3 "$here/schema.py" "$top/docs/json.md" check out >> wrong || wrong "check --json"
expect 0 "^directory/good.dtb .* up" check directory/good.dtb
# what a link leads to is there once; a link to what is not there counts
mkdir -p linked/real other
cp "$demo" linked/real/a.dtb
cp "$demo" other/far.dtb
ln -s a.dtb linked/real/z.dtb
ln -s a.dtb linked/real/0.dtb
ln -s real linked/again
ln -s ../other linked/elsewhere
ln linked/real/a.dtb linked/real/hard.dtb
expect 1 "^3 boards: " check linked
grep -q "^real/a.dtb .* up" out && grep -q "^elsewhere/far.dtb .* up" out && grep -q "^real/hard.dtb .* up" out ||
	wrong "check of links: $(cat out)"
result "check with boards that cannot be read"

if [ -e /dev/full ]; then
	timeout 60 "$weir" boot "$demo" > /dev/full 2> err
	[ $? = 2 ] || wrong "a full disk is no error"
	grep -q "standard output" err || wrong "$(cat err)"
	expect 2 "/dev/full" boot "$demo" --events /dev/full
fi
result "output that cannot be written"
