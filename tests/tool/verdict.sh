# SPDX-License-Identifier: MIT
#
# The exit status: by what waits, by --require and by --baseline. Part of run.sh.

cat > good.dts <<'END'
/dts-v1/;
/ {
	clk: clock { compatible = "t,clock"; #clock-cells = <0>; };
	user { compatible = "t,user"; clocks = <&clk>; };
	lone { compatible = "t,lone"; };
};
END
compile good.dts good.dtb
printf 't-clock@6 t,clock\nt-user@6 t,user\n' > both.drivers
printf 't-user@6 t,user\n' > user.drivers

expect 0 "3 devices: 3 up" boot good.dtb
expect 0 "2 up" boot good.dtb --drivers both.drivers
expect 1 "1 wait" boot good.dtb --drivers user.drivers --profile weir
{ cat both.drivers; echo '!fail /user'; } > fail.drivers
expect 1 "1 failed" boot good.dtb --drivers fail.drivers
result "status 0 when all that can come up did, 1 when something waits or failed"

expect 0 . boot good.dtb --drivers both.drivers --require user
expect 1 "required, and not up: lone" boot good.dtb --drivers both.drivers --require lone
expect 0 . boot good.dtb --drivers both.drivers --require user --require /clock --require '&clk'
expect 0 . boot "$demo" --drivers "$drivers" --require serial0
expect 1 "not up: 7000000.modem" boot "$demo" --drivers "$drivers" --require 7000000.modem
expect 1 "not up: /regulator-modem" boot "$demo" --drivers "$drivers" --require /regulator-modem
expect 2 "no device 'nobody'" boot "$demo" --drivers "$drivers" --require nobody
result "--require decides the status"

run boot good.dtb --drivers both.drivers --profile weir --json
mv out then.json
expect 0 . boot good.dtb --drivers both.drivers --profile weir --baseline then.json
expect 0 . boot good.dtb --profile weir --baseline then.json
expect 1 "was up in the baseline, now waits-supplier: /user" boot good.dtb --drivers user.drivers \
	--profile weir --baseline then.json
grep -q "now no-driver: /clock" err || wrong "$(cat err)"
run boot good.dtb --drivers user.drivers --profile weir --json
mv out now.json
expect 0 . boot good.dtb --drivers user.drivers --profile weir --baseline now.json
result "--baseline: as before is good enough, worse is not"
