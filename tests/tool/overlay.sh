# SPDX-License-Identifier: MIT
#
# Overlays: applied, or refused with the reason. Part of run.sh.

cat > base.dts <<'END'
/dts-v1/;
/ {
	model = "base";
	soc: soc {
		compatible = "simple-bus";
		clk: clock {
			compatible = "t,clock";
			#clock-cells = <0>;
		};
	};
};
END
# overlay NAME TARGET BODY
overlay() {
	printf '/dts-v1/;\n/plugin/;\n&%s {\n%s\n};\n' "$2" "$3" > "$1.dts"
	compile "$1.dts" "$1.dtbo"
}
compile base.dts base.dtb
overlay more soc 'sensor: sensor { compatible = "t,sensor"; clocks = <&clk>; };'
overlay third sensor 'extra = <&clk>;'
overlay ping pong 'ping: p { compatible = "t,p"; };'
overlay pong ping 'pong: q { compatible = "t,q"; };'
overlay stray nobody 'x { compatible = "t,x"; };'
dtc -q -I dts -O dtb -o plain.dtb base.dts

expect 0 "^1 devices|^2 devices" boot base.dtb
grep -q sensor out && wrong "there is a sensor without the overlay"
expect 0 "^sensor .*: up" explain base.dtb --overlay more.dtbo /soc/sensor
grep -q "needs .*clock (clocks)" out || wrong "the overlay's phandle does not lead to the clock: $(cat out)"
expect 0 "sensor" boot base.dtb --overlay more.dtbo --json
expect 0 "sensor" explain base.dtb --overlay more.dtbo --overlay third.dtbo sensor
xz -kc more.dtbo > more.dtbo.xz && expect 0 "up" explain base.dtb --overlay more.dtbo.xz sensor
result "an overlay's device appears, with its supplier"

refuses "nowhere: No such file" boot base.dtb --overlay nowhere
refuses "stray.dtbo: .*nobody" boot base.dtb --overlay stray.dtbo
refuses "third.dtbo: .*sensor" boot base.dtb --overlay third.dtbo
refuses "more.dtbo: .*" boot plain.dtb --overlay more.dtbo
refuses "base.dtb: .*overlay" boot base.dtb --overlay base.dtb
refuses "(ping|pong).dtbo: .*" boot base.dtb --overlay ping.dtbo --overlay pong.dtbo
refuses "(ping|pong).dtbo: .*" boot base.dtb --overlay pong.dtbo --overlay ping.dtbo
result "overlays that do not fit, of nothing, in a circle"

bytes=$(wc -c < more.dtbo)
at=0
while [ $at -lt "$bytes" ]; do
	head -c $at more.dtbo > cut.dtbo
	refuses "cut.dtbo: .*offset [0-9]+" boot base.dtb --overlay cut.dtbo
	cp more.dtbo hurt.dtbo
	printf '\377' | dd of=hurt.dtbo bs=1 seek=$at conv=notrunc 2> dd.log
	run boot base.dtb --overlay hurt.dtbo
	[ $status != 2 ] || [ "$(wc -l < err)" = 1 ] || wrong "byte $at: $(cat err)"
	at=$((at + 16))
done
result "an overlay cut, or with one byte changed"

# A length that wraps around leads back: libfdt's own check of all would go round for ever.
printf '/dts-v1/;\n/plugin/;\n/ { fragment@0 { target-path = "/"; __overlay__ { p = [ff]; }; }; };\n' > round.dts
compile round.dts round.dtbo
python3 - round.dtbo <<'PY' || wrong "no such property"
import struct, sys
data = bytearray(open(sys.argv[1], 'rb').read())
at = data.index(struct.pack('>2I', 3, 1))
data[at + 4:at + 8] = struct.pack('>I', 0xfffffff4)
open(sys.argv[1], 'wb').write(data)
PY
refuses "round.dtbo: damaged device tree" boot "$demo" --overlay round.dtbo
refuses "round.dtbo: damaged device tree" boot round.dtbo
result "a property whose length leads back"
