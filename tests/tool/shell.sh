# SPDX-License-Identifier: MIT
#
# weir shell: commands, how it ends, what is refused; on a board and, where there is a
# QEMU, on its device models. Part of run.sh. The story of an
# IOMMU that is loaded, unloaded and loaded again is story.py's.

mkdir -p shell
cat > shell/board.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <1>;
	#size-cells = <1>;
	iommu: iommu@1000 { compatible = "acme,iommu"; reg = <0x1000 0x100>; #iommu-cells = <1>; };
	phy: phy@2000 { compatible = "acme,phy"; reg = <0x2000 0x100>; #phy-cells = <0>; };
	mac@3000 { compatible = "acme,mac"; reg = <0x3000 0x100>; iommus = <&iommu 1>; phys = <&phy>; };
	uart@4000 { compatible = "acme,uart"; reg = <0x4000 0x100>; };
};
END
cat > shell/board.drivers <<'END'
acme-uart@6 acme,uart
acme-iommu@m acme,iommu
acme-phy@m acme,phy
acme-mac@m acme,mac
END
compile shell/board.dts shell/board.dtb

sh_board() { run shell shell/board.dtb --drivers shell/board.drivers "$@"; }
board() { expect "$1" "$2" shell shell/board.dtb --drivers shell/board.drivers -v -c "$3"; }

acme='modprobe acme-mac acme-phy acme-iommu'
board 0 '^acme-mac +3000.mac +-$' "$acme; lsmod"
board 0 '^  3000.mac: bound to acme-mac' "$acme"
board 0 '^  3000.mac: in IOMMU group 0' "$acme"
board 0 '^0 +identity +0 +3000.mac$' "$acme; groups"
board 1 'maps: 3000.mac is in no group' 'maps 3000.mac'
board 0 '^3000.mac +acme,mac +loadable +acme-mac +-$' 'ls'
board 0 '^3000.mac +acme,mac +bound +acme-mac +0$' "$acme; ls"
board 0 'root cause: .*module acme-iommu is not loaded' 'modprobe acme-mac acme-phy; why 3000.mac'
board 0 '^3000.mac +1000.iommu +iommus +dormant' 'links 3000.mac'
board 0 '^3000.mac +1000.iommu +iommus +active' "$acme; links 1000.iommu"
board 1 "rmmod: no driver 'acme-nix'" 'rmmod acme-nix'
board 1 "modprobe: no driver 'acme-nix'" 'modprobe acme-nix'
board 1 'unbind: 3000.mac has no driver' 'unbind 3000.mac'
board 0 '^  3000.mac: removed from acme-mac' "$acme; unbind 3000.mac"
board 0 '^  3000.mac: bound to acme-mac' "$acme; unbind 3000.mac; bind 3000.mac"
grep -c 'bound to acme-mac' out | grep -qx 2 || wrong "it is not bound twice: $(cat out)"
board 1 'bind: 3000.mac: no loaded driver fits it' 'bind 3000.mac'
board 0 '^  4000.uart: suspended' 'suspend; resume'
board 1 'suspend: the machine is suspended' 'suspend; suspend'
board 1 'resume: the machine is not suspended' 'resume'
board 2 'plug: nothing can be plugged' 'plug edu'
board 0 '^[0-9]+ +[0-9]+ +3000.mac: bound' "$acme; log 3"
board 0 '^devices +4$' 'stats'
result "shell: a board"

# A supplier's module is not unloaded under a consumer, but by force.
board 1 'rmmod: acme-phy is in use: 3000.mac' "$acme; rmmod acme-phy"
board 0 '^  3000.mac: removed from acme-mac' "$acme; rmmod -f acme-iommu"
grep -A 9 'rmmod' out | grep -En '3000.mac: removed|1000.iommu: removed' > order
[ "$(sed 's/.*:  *//' order | tr '\n' ' ')" = 'removed from acme-mac removed from acme-iommu ' ] ||
	wrong "the order: $(cat order)"
board 0 '^  3000.mac: bound' "$acme; rmmod -f acme-iommu; modprobe acme-iommu"
grep -c '3000.mac: bound' out | grep -qx 2 || wrong "it does not come back: $(cat out)"
result "shell: a module with users is not unloaded, but by force"

# ---- how commands are given ----

printf '# a remark\n\n  ls ; lsmod # another\nquit\nnonsense\n' > script
sh_board -v --script script
[ "$status" = 0 ] || wrong "--script: status $status: $(cat err)"
[ "$(grep '^weir>' out | tr '\n' '|')" = 'weir> ls|weir> lsmod|weir> quit|' ] ||
	wrong "--script: $(grep '^weir>' out)"
sh_board -v < script
[ "$(grep -c '^weir>' out)" = 3 ] || wrong "standard input: $(cat out err)"
printf 'lsmod\nnonsense\nls\n' > script
sh_board -v < script
[ "$status" = 2 ] && [ "$(grep -c '^weir>' out)" = 2 ] || wrong "no stop at a failure: $status $(cat out)"
grep -qx "weir: nonsense: no such command; \`help\` lists them" err || wrong "nonsense: $(cat err)"
sh_board -v -k < script
[ "$status" = 2 ] && [ "$(grep -c '^weir>' out)" = 3 ] || wrong "-k: $status $(cat out)"
sh_board -v -k -c 'rmmod nothing; lsmod' -c 'ls'
[ "$status" = 1 ] && [ "$(grep -c '^weir>' out)" = 3 ] || wrong "-k -c: $status $(cat out)"
sh_board -v -c 'quit; ls' -c 'ls'
[ "$(grep -c '^weir>' out)" = 1 ] || wrong "quit: $(cat out)"
sh_board -c '"ls"; "lsmod" "'
[ "$status" = 2 ] && grep -q 'quotation mark' err || wrong "quotation: $status $(cat err)"
sh_board -c "ls $(seq 100 | tr '\n' ' ')"
[ "$status" = 2 ] && grep -q 'too many words' err || wrong "many words: $status $(cat err)"
for c in 'help ls' 'help' 'help quit'; do
	sh_board -c "$c"
	[ "$status" = 0 ] && grep -q "^usage" out || wrong "$c: $(cat out err)"
done
for c in 'ls -x' 'modprobe' 'rmmod' 'rmmod -f' 'lsmod x' 'links a b' 'groups x' maps 'maps a b' 'why' 'why a b' bind \
	'unbind a b' 'suspend x' 'resume x' dma 'dma a b c' 'ping a b' 'log x' 'log -1' 'log 1 2' 'stats 1' \
	'help a b' 'help nothing' 'quit 1' 'why nothing'; do
	sh_board -c "$c"
	[ "$status" = 2 ] || wrong "'$c': status $status: $(cat out err)"
	[ -s err ] || wrong "'$c': no word of why"
done
result "shell: scripts, statuses, and what is refused"

refuses "one machine is needed" shell
refuses "nowhere: No such file" shell nowhere -c ls
refuses "nowhere: No such file" shell "$demo" --script nowhere
refuses "the machine is not one of virt" shell qemu: -c ls
refuses "the machine is not one of virt" shell qemu:pc -c ls
refuses "dev=scanner: not one of" shell qemu:virt,dev=scanner -c ls
refuses "iommu=amd: not one of" shell qemu:virt,iommu=amd -c ls
refuses "ram=1: a number" shell qemu:virt,ram=1 -c ls
refuses "arch=z80: not one of" shell qemu:virt,arch=z80 -c ls
refuses "'foo' is not one of" shell qemu:virt,foo -c ls
refuses "'foo=bar' is not one of" shell qemu:virt,foo=bar -c ls
refuses "more than 128 words" shell "qemu:virt$(printf ',ram=64%.0s' $(seq 128))" -c ls
refuses "is for a board" shell qemu:virt --drivers "$drivers" -c ls
refuses "is for qemu:" shell "$demo" --modules . -c ls
result "shell: machines that are none"

# ---- JSON: a document a command ----

sh_board --json -k -c 'ls; modprobe acme-mac acme-phy acme-iommu; rmmod nothing; why 3000.mac; help ls; stats; groups'
python3 - out > json 2>&1 <<'END' || wrong "JSON: $(cat json)"
import json, sys
docs = [json.loads(line) for line in open(sys.argv[1])]
assert [d['command'][0] for d in docs] == ['ls', 'modprobe', 'rmmod', 'why', 'help', 'stats', 'groups']
assert [d['status'] for d in docs] == [0, 0, 1, 0, 0, 0, 0]
assert all((d['error'] is None) == (d['status'] == 0) and d['version'] == 1 for d in docs)
assert any(row['device'] == '3000.mac' and row['verdict'] == 'loadable'
           for row in docs[0]['result'])
assert any(e['event'] == 'bound' and e['text'] == 'acme-mac' for e in docs[1]['events'])
assert docs[3]['result'][0]['verdict'] == 'bound'
END
sh_board --json -k -c 'modprobe acme-mac acme-phy acme-iommu; ls; lsmod; links; groups; log 5; stats; help' \
	-c 'why 3000.mac; suspend; resume; rmmod acme-iommu; rmmod -f acme-iommu; why 3000.mac; ls nothing; plug edu'
python3 "$here/schema.py" "$top/docs/json.md" shell out >> wrong || wrong "it is not as docs/json.md says"
[ "$(wc -l < out)" = 16 ] || wrong "not an answer a command: $(wc -l < out)"
result "shell: JSON"

# ---- completion, on a terminal ----

python3 "$here/terminal.py" "$weir" shell/board.dtb shell/board.drivers > terminal 2>&1
case $? in
0) ;;
77) echo "ok $((number + 1)) # SKIP shell: no editing of lines was built in" ;;
*) wrong "$(tail -n 5 terminal)" ;;
esac
[ -s wrong ] || ! grep -q SKIP terminal || number=$((number + 1))
grep -q SKIP terminal || result "shell: editing, history and completion on a terminal"

# ---- the device models of a QEMU ----

if command -v qemu-system-aarch64 > /dev/null; then
	expect 0 '^0000:00:01.0 +1234:11e8' shell qemu:virt,dev=edu -c ls
	expect 0 '^0000:00:01.0 +1234:11e8' shell qemu:virt,arg=-device,arg=edu,,dma_mask=255 -c ls
	expect 0 '^0000:00:01.0 +8086:10d3' shell qemu:virt,pcap=a,,b.pcap,dev=e1000e -c ls
	[ -e a,b.pcap ] || wrong "no file a,b.pcap for what passes the network: $(ls)"
	expect 0 '^0000:01:00.0 +1234:11e8' shell qemu:virt,dev=port -c 'plug edu; ls'
	expect 0 '0000:01:00.0: gone' shell qemu:virt,dev=port -c 'plug edu; unplug 0000:01:00.0'
	expect 1 'unplug: 0000:00:01.0 was not plugged' shell qemu:virt,dev=edu -c 'unplug 0000:00:01.0'
	expect 1 'no port is free' shell qemu:virt -c 'plug edu'
	expect 1 'no port is free' shell qemu:virt,dev=port -c 'plug edu; plug edu'
	expect 2 'plug: nvme: not one of' shell qemu:virt,dev=port -c 'plug nvme'
	expect 0 '^test +msi$' shell qemu:virt,dev=edu -c 'modprobe edu; dma 0000:00:01.0 msi'
	expect 2 "no test 'nix'; there are quick" shell qemu:virt,dev=edu -c 'modprobe edu; dma 0000:00:01.0 nix'
	expect 1 'rmmod: edu is not loaded' shell qemu:virt -c 'rmmod edu'
	expect 1 'module nix: no nix.so in /nowhere:here$' shell qemu:virt --modules /nowhere:here \
		-c 'modprobe nix'
	WEIR_MODULES=/nowhere
	export WEIR_MODULES
	expect 1 'module nix: no nix.so in /nowhere$' shell qemu:virt -c 'modprobe nix'
	unset WEIR_MODULES
	expect 1 'lacking.so: .*weir_nobody_has_this' shell qemu:virt --modules "$build/tests" \
		-c 'modprobe lacking'
	expect 1 'noentry.so is no module' shell qemu:virt --modules "$build/tests" -c 'modprobe noentry'
	expect 1 'liar: calls itself honest' shell qemu:virt --modules "$build/tests" -c 'modprobe liar'
	expect 1 'oldabi: made for ABI version' shell qemu:virt --modules "$build/tests" \
		-c 'modprobe oldabi'
	expect 0 '^good +- +-$' shell qemu:virt --modules "$build/tests" \
		-c 'modprobe good; modprobe good; lsmod; rmmod good; modprobe good; lsmod'
	expect 2 'qemu: .*no-such-option' shell qemu:virt,arg=-no-such-option -c ls
	result "shell: a QEMU, plugging and modules"
	for iommu in virtio smmuv3; do
		python3 "$here/story.py" "$weir" "$here/story.script" $iommu >> wrong 2>&1
		result "shell: the story of a loadable IOMMU, $iommu"
	done
	PATH=/nowhere "$weir" shell qemu:virt -c ls > out 2> err
	[ $? = 2 ] && grep -q '^weir: qemu: .*qemu-system-aarch64' err || wrong "no QEMU: $(cat err)"
	result "shell: no QEMU"
else
	echo "ok $((number + 1)) # SKIP shell: no qemu-system-aarch64"
	number=$((number + 1))
fi
