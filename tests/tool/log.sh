# SPDX-License-Identifier: MIT
#
# Logs of boards: root causes, differences, times. The messages are those of Linux 6.12.
# Part of run.sh; uses the kernel and the board that initramfs.sh made.

uses initramfs
echo 'no log' > text
cat > hung.log <<'END'
U-Boot 2026.01
[    0.000000] Linux version 6.12.0-ir (a@b) #1 SMP
[    0.000000] Kernel command line: console=ttyS0 deferred_probe_timeout=20
[    0.500000] probe of 2000.ethernet returned 0 after 2345 usecs
[    1.200000] Run /init as init process
[    1.500000] probe of 3000.dsp returned -517 after 12 usecs
[    9.000000] probe of 3000.dsp returned 0 after 20 usecs
[   21.000000] platform 1000.mmc: deferred probe pending: wait for supplier /clock
[   21.000100] platform 9999.other: deferred probe pending: (reason unknown)
[   21.200000] plain 5000.plain: probe with driver plain failed with error -22
Gave up waiting for root file system device.  Common problems:
END
expect 1 "^2 devices deferred at its end, 1 failed, 2 bound" explain ir.dtb --log hung.log --kernel irk
grep -q "^1 waits for 1: clock (acme,soc-clk): module clk_soc was not loaded" out || wrong "$(cat out)"
grep -q "9999.other, which is not on this board's tree" out || wrong "$(cat out)"
grep -q "1000.mmc: predicted up; in the log deferred: wait for supplier /clock" out || wrong "$(cat out)"
grep -q "5000.plain: predicted up; in the log its probe failed (error 22)" out || wrong "$(cat out)"
grep -q "the root file system did not come" out || wrong "$(cat out)"
grep -q "the longest: 2000.ethernet, 2.345 ms" out || wrong "$(cat out)"
grep -q "timeout was over at 21.000 s" out || wrong "$(cat out)"
grep -q "3000.dsp, was bound 12.000 s before that" out || wrong "$(cat out)"
result "log: causes, differences and times of a board that hung"

sed 's/$/\r/; s/^\[/\x1b[32m&/' hung.log > coloured.log
run explain ir.dtb --log hung.log --kernel irk
grep -v "hung.log" out > first
run explain ir.dtb --log coloured.log --kernel irk
grep -v "coloured.log" out | cmp -s - first || wrong "colours and carriage returns change it: $(cat out)"
expect 1 "waits for 1: clock .*: no driver in this kernel|module clk_soc is denied" \
	explain ir.dtb --log hung.log --kernel irk --deny clk_soc
# I2C and SPI: Linux counts buses, an alias of the tree says which is meant
cat > buses.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <1>;
	#size-cells = <1>;
	aliases { i2c4 = &b; };
	i2c@1000 { compatible = "acme,i2c"; reg = <0x1000 0x100>; #address-cells = <1>; #size-cells = <0>;
		pmic@1b { compatible = "acme,pmic"; reg = <0x1b>; }; only@22 { compatible = "acme,only"; reg = <0x22>; }; };
	b: i2c@2000 { compatible = "acme,i2c"; reg = <0x2000 0x100>; #address-cells = <1>; #size-cells = <0>;
		pmic@1b { compatible = "acme,pmic"; reg = <0x1b>; }; };
	spi@3000 { compatible = "acme,spi"; reg = <0x3000 0x100>; #address-cells = <1>; #size-cells = <0>;
		flash@1 { compatible = "acme,flash"; reg = <1>; }; };
};
END
compile buses.dts buses.dtb
for name in 4-001b 3-001b 0-0022 spi0.1 spi0.2 4-001b-x; do
	echo "[    1.000000] probe of $name returned 0 after 7 usecs" >> buses.log
done
run timeline buses.dtb --log buses.log --json
python3 -c '
import json
print(*sorted(d["path"] for d in json.load(open("out"))["devices"] if d["measured"]))' > names 2>> wrong
[ "$(cat names)" = "/i2c@1000/only@22 /i2c@2000/pmic@1b /spi@3000/flash@1" ] || wrong "I2C and SPI: $(cat names)"
run explain buses.dtb --log buses.log
grep -q "3 devices of the log are not on the tree" out || wrong "I2C and SPI: $(cat out)"
result "log: devices on I2C and SPI"

printf '1000.mmc\tplatform: wait for supplier /clock\n' > deferred
expect 1 "module clk_soc was not loaded" explain ir.dtb --log deferred --kernel irk
run explain ir.dtb --log deferred --kernel irk
grep -q " s before that\|was over at" out && wrong "times that nobody measured: $(cat out)"
echo "probe of 1000.mmc returned 0 after 3 usecs" > good.log
expect 0 "agree on all devices" explain ir.dtb --log good.log --kernel irk
expect 0 "clock .*: module clk_soc is denied; in the log bound" \
	explain ir.dtb --log good.log --kernel irk --deny clk_soc --set deferred_probe_timeout=-1
result "log: colours, devices_deferred, agreement, devices that are up against the prediction"

refuses "text: no kernel message" explain ir.dtb --log text --kernel irk
refuses "nowhere: " explain ir.dtb --log nowhere
refuses "a board and no device" explain ir.dtb disk --log hung.log
run explain ir.dtb --log hung.log --kernel irk --json
python3 "$here/schema.py" "$top/docs/json.md" "board log" out >> wrong 2>&1
head -c 300 hung.log | tail -c 100 > cut.log
run explain ir.dtb --log cut.log --kernel irk
[ $status -le 2 ] || wrong "status $status"
result "log: what is none, JSON"
