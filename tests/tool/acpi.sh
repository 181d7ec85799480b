# SPDX-License-Identifier: MIT
#
# Machines with ACPI: tables that QEMU made, as files, as what acpidump prints of them, and in a
# capture; and tables that are damaged. Part of run.sh.

# kernel NAME BUILTIN ALIASES: a kernel's index, with a module for each alias
index() {
	mkdir -p "$1/lib/modules/6.12.0-acpi/kernel"
	(cd "$1/lib/modules/6.12.0-acpi" && printf '%s\n' "$3" > modules.alias && printf '%s\n' "$2" > modules.builtin &&
		awk 'NF { print "kernel/" $3 ".ko:" }' modules.alias > modules.dep && : > modules.order)
}
v3='alias platform:arm-smmu-v3 arm_smmu_v3'
virtio='alias virtio:d00000017v* virtio_iommu
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci'
index ak-built kernel/drivers/iommu/arm/arm-smmu-v3/arm_smmu_v3.ko "$virtio"
index ak-module '' "$v3
$virtio"
index ak-none '' 'alias platform:other other'

if command -v qemu-system-aarch64 > /dev/null 2>&1; then
	# the table has the buses that there are when QEMU makes it: 0 and 128
	python3 "$here/acpi_tables.py" smmu qemu-system-aarch64 -M virt,iommu=smmuv3 -nodefaults 2>> wrong || wrong "tables of virt"
	python3 "$here/acpi_tables.py" viot qemu-system-aarch64 -M virt -nodefaults -device virtio-iommu-pci,addr=4 \
		-device pxb-pcie,id=p,bus_nr=128,bus=pcie.0 2>> wrong || wrong "tables with a VIOT"
	expect 0 "^  /9050000.smmuv3 .registers 0x9050000.: arm-smmu-v3: driver arm_smmu_v3, built in$" boot smmu --kernel ak-built
	grep -q "^    00:00.0 to 00:1f.7: /9050000.smmuv3 as 0x0-0xff; MSIs: /its0 as 0x0-0xff$" out || wrong "ids: $(cat out)"
	grep -q "^    01:00.0 to ff:1f.7: no IOMMU" out || wrong "ids that go nowhere: $(cat out)"
	grep -q "DSDT, SSDT: AML) is not interpreted" out || wrong "AML is not named: $(cat out)"
	grep -q "^tables read: APIC IORT MCFG; not read:.* DSDT" out || wrong "tables: $(cat out)"
	expect 0 "module arm_smmu_v3$" boot smmu --kernel ak-module
	grep -q "waits for that module, without a timeout: put it into the initramfs" out || wrong "a module: $(cat out)"
	expect 1 "no driver in this kernel .it would be arm_smmu_v3.$" boot smmu --kernel ak-none
	grep -q "what is behind it does DMA untranslated" out || wrong "no driver: $(cat out)"
	expect 1 "module arm_smmu_v3, which is denied" boot smmu --kernel ak-module --deny arm-smmu-v3
	expect 0 "1 IOMMU; give --kernel" boot smmu
	expect 0 "PCI 1af4:1057: module virtio_pci; virtio device 23: module virtio_iommu$" boot viot --kernel ak-module
	grep -q "^    80:00.0 to 80:1f.7: /pci0000:00/0000:00:04.0 as 0x8000-0x80ff" out || wrong "bus 128: $(cat out)"
	result "ACPI: IOMMUs of QEMU's tables, their drivers in a kernel, and where ids go"

	expect 0 "^    80:05.3: /pci0000:00/0000:00:04.0 as 0x802b" explain viot 0000:80:05.3
	expect 1 "virtio device 23: no driver in this kernel" explain viot 80:05.3 --kernel ak-none
	expect 0 "virtio device 23" explain viot 0000:00:04.0
	expect 0 "arm-smmu-v3" explain smmu 9050000.smmuv3
	expect 0 "segment 0, buses 00 to ff" explain smmu /pci0000:00
	refuses "nothing is named 'disk'; give a path" explain smmu disk
	refuses "no host bridge has bus 01 of segment 7" explain smmu 0007:01:00.0
	expect 0 "which PCI functions share a group depends on" groups smmu
	for verb in boot groups; do
		run $verb viot --kernel ak-module --json 2> err || wrong "$verb --json"
		[ $verb = boot ] || run $verb viot --json
		python3 "$here/schema.py" "$top/docs/json.md" acpi out >> wrong || wrong "$verb --json"
	done
	for verb in "lint smmu" "plan smmu --root nvme --kernel ak-none" "timeline smmu" "diff smmu viot" "race smmu"; do
		# shellcheck disable=SC2086
		refuses "smmu: ACPI tables, of which boot, explain and groups tell" $verb
	done
	result "ACPI: explain, groups, JSON, and verbs that do not take tables"

	if command -v acpidump > /dev/null 2>&1; then
		for t in smmu/*.dat; do acpidump -f "$t"; done > dump.txt 2> acpidump.log
		run boot smmu --kernel ak-built
		sed '1d; s/^tables read.*//' out | sort > want
		run boot dump.txt --kernel ak-built
		sed '1d; s/^tables read.*//' out | sort > got
		cmp -s want got || wrong "acpidump's text: $(diff want got)"
		sed 's/^    0030: ../    0030: FF/' dump.txt > bad.txt
		refuses "damaged ACPI table" boot bad.txt
		head -n 6 dump.txt > bad.txt
		refuses "damaged ACPI table APIC: length at offset 4" boot bad.txt
		result "ACPI: what acpidump prints"
	else
		number=$((number + 1))
		echo "ok $number # SKIP ACPI: no acpidump (acpica-tools)"
	fi

	# a capture: the SMMU has no driver, one function is behind it, the other is on a bus that is not
	sys=$work/am/sys
	mkdir -p "$sys/bus/pci/devices" "$sys/bus/platform/devices" "$sys/class/devlink" "$sys/kernel/debug" \
		"$sys/firmware/acpi/tables" am/proc/sys/kernel
	for t in iort mcfg apic; do cp smmu/$t.dat "$sys/firmware/acpi/tables/$(echo $t | tr a-z A-Z)"; done
	for d in pci0000:00/0000:00:02.0 pci0000:00/0000:00:01.0/0000:01:00.0; do
		mkdir -p "$sys/devices/$d" && ln -s "../../../devices/$d" "$sys/bus/pci/devices/${d##*/}"
	done
	mkdir -p "$sys/devices/platform/arm-smmu-v3.1.auto"
	ln -s ../../../devices/platform/arm-smmu-v3.1.auto "$sys/bus/platform/devices/arm-smmu-v3.1.auto"
	printf '0000:00:02.0\t\n0000:01:00.0\t\n' > "$sys/kernel/debug/devices_deferred"
	echo 6.12.0-acpi > am/proc/sys/kernel/osrelease
	run capture --sysroot am -o am.tar.gz
	[ $status = 0 ] || wrong "capture: $(cat err)"
	for board in "--sysroot am" am.tar.gz; do
		# shellcheck disable=SC2086
		expect 1 "^1 waits for 1: arm-smmu-v3.1.auto: no driver is bound" live $board
		grep -q "^   waiting: 0000:00:02.0 (its IOMMU: IORT, VIOT)$" out || wrong "live $board: $(cat out)"
		grep -q "^1 waits for 1: 0000:01:00.0: deferred; the kernel gives no reason" out || wrong "live $board: $(cat out)"
		grep -q "no prediction: this machine has ACPI" out || wrong "live $board: $(cat out)"
	done
	expect 0 "arm_smmu_v3, built in" boot am.tar.gz --kernel ak-built
	expect 0 "^  0000:00:02.0: /9050000.smmuv3 as 0x10$" groups am.tar.gz
	grep -q "^  0000:01:00.0: no IOMMU$" out && grep -q "^as Linux made them:" out || wrong "groups: $(cat out)"
	expect 2 "ACPI tables, of which" lint am.tar.gz
	# two of them are compared by what they saw
	cp am.tar.gz same.tar.gz
	expect 0 "^no prediction: a capture has no device tree" diff am.tar.gz same.tar.gz
	mkdir -p "$sys/bus/platform/drivers/arm-smmu-v3"
	ln -s ../../../bus/platform/drivers/arm-smmu-v3 "$sys/devices/platform/arm-smmu-v3.1.auto/driver"
	printf '0000:01:00.0\t\n' > "$sys/kernel/debug/devices_deferred"
	run capture --sysroot am -o am2.tar.gz
	expect 1 "^up on B, not on A:" diff am.tar.gz am2.tar.gz
	grep -q "^  .*arm-smmu-v3.1.auto" out || wrong "diff of two captures: $(cat out)"
	expect 2 "a capture without a device tree" diff am.tar.gz "$demo"
	expect 2 "ACPI tables, of which" diff am.tar.gz -- --set fw_devlink=permissive
	result "ACPI: captures, by live, boot and groups"

	# damage: nothing but a message
	for t in iort mcfg apic; do
		size=$(wc -c < smmu/$t.dat)
		at=40
		while [ $at -lt "$size" ]; do
			rm -rf bad && cp -r smmu bad
			head -c $at smmu/$t.dat > bad/$t.dat
			run boot bad
			[ $status = 2 ] || [ $status = 0 ] || wrong "$t cut at $at: status $status: $(cat out err)"
			at=$((at + 24))
		done
		rm -rf bad && cp -r smmu bad
		printf 'X' | dd of=bad/$t.dat bs=1 seek=37 conv=notrunc 2> /dev/null
		refuses "damaged ACPI table .*checksum" boot bad
	done
	result "ACPI: damaged tables"
else
	number=$((number + 1))
	echo "ok $number # SKIP ACPI: no qemu-system-aarch64"
fi

mkdir -p nothing.acpi
echo "IORT @ 0xzz and no bytes" > nothing.acpi/a.txt
refuses "no ACPI tables in it" boot nothing.acpi
echo "IOSTREAMS ARE GOOD, and here are more than thirty-six bytes of text" > text.dat
expect 2 "device tree|magic" boot text.dat
result "ACPI: files that are none"
