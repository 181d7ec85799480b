# SPDX-License-Identifier: MIT
#
# weir race: what it finds under linux-6.12 and not under weir, that an order it prints can be done
# again, and with which switches of the kernel it goes away. Part of run.sh.

cat > race.dts <<'END'
/dts-v1/;
/ {
	model = "two doors";
	a: mmu-a { compatible = "x,mmu"; #iommu-cells = <0>; };
	b: mmu-b { compatible = "x,mmu"; #iommu-cells = <0>; };
	c: mmu-c { compatible = "x,mmu"; #iommu-cells = <0>; };
	codec { compatible = "x,codec"; iommus = <&a>, <&b>; };
	panel { compatible = "x,panel"; iommus = <&c>; };
	uart { compatible = "x,uart"; };
};
END
compile race.dts race.dtb
expect 1 "^2 masters behind IOMMUs, 1 of them behind several$" race race.dtb
grep -q "starts translated through /mmu-[ab], whose probe has not returned" out ||
	wrong "nothing half-registered: $(cat out)"
grep -q "/codec: goes on without its IOMMU" out || wrong "not around: $(cat out)"
grep -Eq "^  /codec behind /mmu-a, /mmu-b: safe,  [0-9]+ orders, [0-9]+ states: all there are$" out ||
	wrong "weir is not safe, or not all was tried: $(cat out)"
sed -n '/^policy weir/,$p' out | grep -q "starts\|again" && wrong "weir: $(cat out)"
sed -n '/whose probe has not returned, in/,/again:/p' out | sed 1d | sed '/again:/,$d' > steps
again=$(grep "again: .*linux" out | sed -n '1s/.*again: weir //p')
[ -s steps ] && [ "$again" ] || wrong "no order is printed: $(cat out)"
run $again
[ $status = 1 ] || wrong "$again: exit status $status"
head -n "$(wc -l < steps)" out | cmp -s - steps || wrong "$again: another order: $(cat out)"
# without the timeout nothing goes around
expect 1 "starts translated through" race race.dtb --for panel --profile linux-6.12 \
	--set deferred_probe_timeout=-1
grep -q "untranslated" out && wrong "around without a timeout: $(cat out)"
# with a kernel, what is built in is no module
printf 'mmu@3 x,mmu\npanel@m x,panel\n' > race.drivers
expect 1 "thread 1  modprobe panel$" race race.dtb --for panel --profile linux-6.12 --drivers race.drivers
grep -q "thread 0  mmu, which is built in, gets to its devices$" out || wrong "built in: $(cat out)"
# links that order IOMMUs do, and before the timeout nothing goes around
expect 0 "safe" race race.dtb --for codec --profile linux-6.12 --set fw_devlink.strict=1 \
	--set deferred_probe_timeout=-1
expect 0 "by chance" race race.dtb --profile weir --seed 3 --limit 40
expect 0 "; there are more" race race.dtb --for codec --profile weir --limit 2
run race race.dtb --json
python3 "$here/schema.py" "$top/docs/json.md" "board races" out >> wrong || wrong "race --json"
result "race: finds what Linux can do, and nothing under weir"

refuses "one board is needed" race
refuses "uart is behind no IOMMU" race race.dtb --for uart
refuses "are needed" race race.dtb --schedule 01
refuses "digits of tasks" race race.dtb --schedule 0z --for codec --profile weir
refuses "not one of this board" race race.dtb --schedule 999 --for codec --profile weir
refuses "a number from 0" race race.dtb --limit x
cat > plain.dts <<'END'
/dts-v1/;
/ { uart { compatible = "x,uart"; }; };
END
compile plain.dts plain.dtb
expect 0 "^0 masters behind IOMMUs" race plain.dtb
result "race: what it refuses"

# a driver that comes while its device is being added
cat > add.dts <<'END'
/dts-v1/;
/ {
	#address-cells = <1>; #size-cells = <0>;
	pmic { compatible = "x,pmic";
		gpio { compatible = "x,pins"; pins: key-pins { pins = "gpio1"; }; };
		clk: clock { compatible = "x,clock"; #clock-cells = <0>; };
		rail { compatible = "x,rail"; clocks = <&clk>; volts: low { volt = <1>; }; };
	};
	keys { compatible = "x,keys"; pinctrl-0 = <&pins>; };
	lamp { compatible = "x,lamp"; vdd-supply = <&volts>; };
};
END
compile add.dts add.dtb
expect 1 "^    1 device waits for ever for what is below it, in 1 of " race add.dtb --add
grep -q "^      waits for ever: /keys, for /pmic/gpio/key-pins$" out || wrong "who waits: $(cat out)"
grep -q "/lamp" out && wrong "a rail whose own clock is not there is not bound too early: $(cat out)"
[ "$(grep -c "added by /pmic: safe," out)" = 3 ] || wrong "rail, and both under weir: $(cat out)"
again=$(sed -n 's/.*again: weir //p' out)
run $again
grep -q "waits for ever: /keys" out && [ $status = 1 ] || wrong "$again: $status $(cat out)"
expect 0 "safe" race add.dtb --add --profile weir
# what the board's kernel loads first cannot come too early
printf 'pmic@3 x,pmic\npins@m x,pins\nclk@m x,clock\nkeys x,keys\n' > add.drivers
expect 0 "^0 devices" race add.dtb --add --drivers add.drivers
printf 'pmic@m x,pmic\npins@m x,pins\nclk@m x,clock\nkeys x,keys\n' > add.drivers
expect 1 "waits for ever: /keys" race add.dtb --add --drivers add.drivers
run race add.dtb --add --json
python3 "$here/schema.py" "$top/docs/json.md" "board races" out >> wrong || wrong "race --add --json"
refuses "nobody needs what is below it" race add.dtb --add --for keys
result "race --add: who waits for ever when a driver comes while its device is being added"
