# SPDX-License-Identifier: MIT
#
# Loading of modules: scripts, deny lists, the initramfs. Part of run.sh.

cat > mods.dts <<'END'
/dts-v1/;
/ {
	bus: bus-clock { compatible = "t,clk"; #clock-cells = <0>; };
	disk { compatible = "t,disk"; clocks = <&bus>; };
	net { compatible = "t,net"; clocks = <&bus>; };
};
END
compile mods.dts mods.dtb
printf 't-clk@m t,clk\nt-disk@m t,disk\nt-net@m t,net\n' > mods.drivers
# after SCRIPT: runs it; the verdicts of clock, disk and net are then in $verdicts.
verdicts() {
	verdicts=$(python3 -c 'import json
print(" ".join(d["verdict"] for d in json.load(open("out"))["devices"]))')
}
is() { verdicts; [ "$verdicts" = "$1" ] || wrong "$2: $verdicts, not $1"; }
after() {
	printf '%b' "$1" > load
	run boot mods.dtb --drivers mods.drivers --profile weir --json --load load
	[ $status -le 1 ] || wrong "$1: $(cat err)"
}

after ''
is "loadable loadable loadable" "no script"
after 'modprobe t-clk\n# a remark\n\nload t-disk\n'
is "bound bound loadable" "modprobe"
after 'coldplug\nsettle\nlog anything\nmark here\n'
is "bound bound bound" coldplug
after 'coldplug\nrmmod t-net\nwait 5\n'
is "bound bound removed" rmmod
after 'modprobe t-disk\n'
is "loadable waits-supplier loadable" "a module before its supplier's"
run boot mods.dtb --drivers mods.drivers --json --load load
verdicts
[ "${verdicts#* }" = "bound loadable" ] || wrong "linux-6.12 lets it go after the timeout: $verdicts"
run boot mods.dtb --drivers mods.drivers --json --load load --until 9
is "loadable waits-supplier loadable" "before the timeout"
result "scripts: modprobe, rmmod, coldplug, wait"

# script LINE REGEX
script_refused() {
	printf 'settle\n%b\n' "$1" > load
	refuses "load:2: .*($2)" boot mods.dtb --drivers mods.drivers --load load
}
script_refused 'insmod t-clk' "unknown command 'insmod'"
script_refused 'modprobe nobody' "no driver or module 'nobody'"
script_refused 'wait long' "no number of milliseconds"
script_refused 'wait' "no number of milliseconds"
script_refused 'modprobe' "no driver"
result "scripts that are wrong: file and line"

run boot mods.dtb --drivers mods.drivers --json --profile weir --deny t-net
is "bound bound denied" "--deny t-net"
run boot mods.dtb --drivers mods.drivers --json --profile weir --deny t_clk
is "denied waits-supplier waits-supplier" "--deny t_clk"
expect 1 "2 wait for 1: bus-clock .*module t-clk is denied" boot mods.dtb --drivers mods.drivers \
	--profile weir --deny t_clk
grep -q "fix: do not deny t-clk" out || wrong "$(cat out)"
run boot mods.dtb --drivers mods.drivers --json --profile weir --scenario builtin
is "loadable loadable loadable" "--scenario builtin"
refuses "scenario all" boot mods.dtb --drivers mods.drivers --scenario all
run boot mods.dtb --json --profile weir --scenario all
is "bound bound bound" "--scenario all"
result "--deny, --scenario"

printf 'kernel/drivers/t_disk.ko.xz\n# t-net\n\nt-clk\n' > initramfs
run boot mods.dtb --drivers mods.drivers -v --initramfs initramfs --root-after 2500
at() { sed -n "s/^\[ *\([0-9]*\)\.[0-9]*\] $1: bound.*/\1/p" out; }
[ "$(at disk) $(at net)" = "0 2" ] || wrong "disk in second $(at disk), net in $(at net), not 0 and 2"
run boot mods.dtb --drivers mods.drivers -v --initramfs initramfs --until 1 --root-after 2500
result "--initramfs comes first, the rest after --root-after"
