# SPDX-License-Identifier: MIT
#
# A kernel directory of our own making: an index, a configuration, and a module file
# with a driver that no index lists. Part of run.sh.

modules=kernel/lib/modules/6.12.0-test
mkdir -p $modules/kernel/drivers kernel/boot
cat > $modules/modules.alias <<'END'
alias of:N*T*Cacme,disp disp
alias of:N*T*Cacme,dispC* disp
alias of:N*T*Cacme,soc-clk clk_soc
alias of:N*T*Cacme,soc-clkC* clk_soc
END
printf 'kernel/drivers/disp.ko:\nkernel/drivers/clk_soc.ko:\n' > $modules/modules.dep
printf 'kernel/drivers/disp.ko\nkernel/drivers/clk_soc.ko\n' > $modules/modules.order
: > $modules/modules.builtin
cat > kernel/boot/config-6.12.0-test <<'END'
# Linux/arm64 6.12.0-test Kernel Configuration
CONFIG_MODULES=y
# CONFIG_PHY_X100_USB is not set
# CONFIG_GCC_X200 is not set
# CONFIG_SPI_X200 is not set
# CONFIG_PINCTRL_X200 is not set
# CONFIG_X200_GCC_OTHER is not set
# CONFIG_X100_USB_PHY_THERMAL is not set
CONFIG_MFD_PM77=y
END
cat > soc.dts <<'END'
/dts-v1/;
/ {
	clk: clock { compatible = "acme,soc-clk"; #clock-cells = <0>; };
	disp { compatible = "acme,disp"; phys = <&dphy>; };
	tv { compatible = "acme,disp"; clocks = <&clk>; };
	dphy: dphy { compatible = "acme,disp-phy"; #phy-cells = <0>; };
	lonely { compatible = "acme,lonely"; };
	uphy: uphy { compatible = "acme,x100-usb-phy"; #phy-cells = <0>; };
	usb { compatible = "acme,disp"; phys = <&uphy>; };
	pmic { compatible = "acme,pm77"; };
	usbc: connector { compatible = "usb-c-connector"; };
	typec { compatible = "acme,disp"; extcon = <&usbc>; };
};
END
compile soc.dts soc.dtb
forever=deferred_probe_timeout=-1
export WEIR_NO_CACHE=1

expect 1 "^kernel 6.12.0-test: .* 2 modules fit" boot soc.dtb --kernel kernel --set $forever
expect 1 "no kernel image found" boot soc.dtb --kernel kernel --set $forever
expect 1 "basis: module index" boot soc.dtb --kernel kernel --set $forever
result "a kernel directory: version, modules, what is missing"

expect 1 "fix: CONFIG_PHY_X100_USB is not set" boot soc.dtb --kernel kernel --set $forever
# of a chip's other parts none is it
printf '/dts-v1/;\n/ { pinctrl { compatible = "acme,x200-tlmm"; }; gcc { compatible = "acme,x200-gcc"; }; sram { compatible = "acme,x200-ram"; }; };\n' > x200.dts
compile x200.dts x200.dtb
run lint x200.dtb --kernel kernel
for want in "/pinctrl: .*:CONFIG_PINCTRL_X200 is" "/gcc: .*:CONFIG_GCC_X200 is" '/sram: .*:a driver of "acme,x200-ram"'; do
	grep -A 2 "${want%%:*}: " out | grep -q "fix: .*${want##*:}" || wrong "$want: $(cat out)"
done
expect 1 "fix: build a driver of .acme,disp-phy" boot soc.dtb --kernel kernel --set $forever
expect 0 "^pmic .*: up" explain soc.dtb /pmic --kernel kernel
result "settings by name: one that is off, none, one that is built in"

expect 1 "clock .*: module clk_soc is denied" boot soc.dtb --kernel kernel --set $forever --deny clk-soc
printf 'modprobe disp\n' > one.script
expect 1 "clock .*: module clk_soc is not loaded" boot soc.dtb --kernel kernel --set $forever --load one.script
grep -q "note: --deny" err && wrong "a module that is there: $(cat err)"
expect 0 "^weir: note: --deny clk-sok: there is no such module" boot soc.dtb --kernel kernel --set $forever --deny clk-sok --deny disp
[ "$(grep -c "note: --deny" err)" = 1 ] || wrong "notes: $(cat err)"
expect 0 "^weir: note: --deny disp: no module is known without --kernel or --drivers, so nothing is denied" boot soc.dtb --deny disp
printf 'clk-soc@6 acme,nothing\n' > deny.list
run boot soc.dtb --drivers deny.list --set $forever --deny nobody --deny clk_soc
grep -q "^weir: note: --deny nobody: there is no such driver in deny.list" err || wrong "a list: $(cat err)"
[ "$(grep -c "note: --deny" err)" = 1 ] || wrong "notes of a list: $(cat err)"
result "modules that are denied or not loaded are causes"

printf 'kernel/drivers/clk-soc.ko.xz\n' > initramfs
expect 0 "bound at 0.00[0-9] s" explain soc.dtb clock --kernel kernel --initramfs initramfs --root-after 3000
printf 'disp\n' > initramfs
expect 0 "bound at 3.0[0-9]* s" explain soc.dtb clock --kernel kernel --initramfs initramfs --root-after 3000
result "modules come with the initramfs, or with the root file system"

# What is used through its node needs no driver, and in the profile weir nobody waits for it.
expect 1 "^typec .*: waits for .*connector" explain soc.dtb typec --kernel kernel --set $forever
expect 0 "^typec .*: up" explain soc.dtb typec --kernel kernel --profile weir
expect 1 "1 need none" boot soc.dtb --kernel kernel --profile weir
result "a connector needs no driver"

# A driver is a writable structure that points at its table.
cat > disp.c <<'END'
struct of_device_id { char name[32], type[32], compatible[128]; const void *data; };
static const struct of_device_id listed[] = { { .compatible = "acme,disp" }, { .compatible = "" } };
static const struct of_device_id unlisted[] = { { .compatible = "acme,disp-phy" }, { .compatible = "" } };
const struct of_device_id of_no_driver[] = { { .compatible = "acme,lonely" }, { .compatible = "" } };
struct driver { const char *name; const struct of_device_id *table; };
struct driver one = { "disp", listed }, two = { "disp-phy", unlisted };
END
expect 1 "^dphy .*: no driver" explain soc.dtb dphy --kernel kernel
ko=$modules/kernel/drivers/disp.ko
if cc -c -o $ko disp.c 2> cc.log && [ "$(od -An -tu1 -j4 -N1 $ko)" -eq 2 ]; then
	expect 0 "^dphy .*: up, driver disp" explain soc.dtb dphy --kernel kernel
	expect 1 "^lonely .*: no driver" explain soc.dtb lonely --kernel kernel
	expect 1 "^dphy .*: its module disp is not loaded" explain soc.dtb dphy --kernel kernel --scenario builtin
	xz -f $ko
	printf 'kernel/drivers/disp.ko.xz:\nkernel/drivers/clk_soc.ko:\n' > $modules/modules.dep
	expect 0 "^dphy .*: up, driver disp" explain soc.dtb dphy --kernel kernel
	head -c 200 $ko.xz > cut
	mv cut $ko.xz
	expect 1 "^dphy .*: no driver" explain soc.dtb dphy --kernel kernel
fi
result "drivers that only the module's file shows"
unset WEIR_NO_CACHE
