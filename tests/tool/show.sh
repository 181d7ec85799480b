# SPDX-License-Identifier: MIT
#
# weir timeline and weir graph: every format, and the report in a real browser. Part of run.sh.

for verb in timeline graph; do
	run $verb "$demo" --drivers "$drivers" --json
	[ $status = 0 ] || wrong "$verb --json: exit status $status: $(cat err)"
	python3 "$here/schema.py" "$top/docs/json.md" report out >> wrong || wrong "$verb --json"
done
run timeline "$demo" --drivers "$drivers" --profile weir --json
python3 "$here/schema.py" "$top/docs/json.md" report out >> wrong || wrong "profile weir"
result "the report's data is as docs/json.md says"

run timeline "$demo" --drivers "$drivers"
python3 -c 'import sys, xml.dom.minidom; d = xml.dom.minidom.parse("out"); sys.exit(len(d.getElementsByTagName("g")) != 21)' \
	2>> wrong || wrong "no SVG with a row for each device: $(head -n 3 out)"
run timeline "$demo" --drivers "$drivers" --output t.trace.json
python3 - <<'END' 2>> wrong || wrong "no trace: $(head -c 300 t.trace.json)"
import json
events = json.load(open('t.trace.json'))['traceEvents']
names = {e['args']['name'] for e in events if e['ph'] == 'M' and e['name'] == 'thread_name'}
spans = [e for e in events if e['ph'] == 'X']
assert len(names) == 21 and '6000000.camera' in names
assert all(e['dur'] >= 0 and e['ts'] >= 0 for e in spans) and any(e['name'] == 'up' for e in spans)
END
result "timeline: SVG and trace"

if command -v dot > /dev/null; then
	run graph "$demo" --drivers "$drivers"
	dot -Tplain out > plain 2>> wrong || wrong "Graphviz does not take it"
	[ "$(grep -c '^node' plain)" -ge 21 ] || wrong "nodes: $(grep -c '^node' plain)"
	run graph "$demo" --drivers "$drivers" -o g.svg
	[ $status = 0 ] || wrong "graph to SVG: $(cat err)"
	python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("g.svg")' 2>> wrong || wrong "graph: no SVG"
fi
# what the board's own log has: 10 s were not enough for one
cat > slack.log <<'END'
[    0.000000] Linux version 6.12.0-demo (a@b) #1 SMP
[    0.000000] Kernel command line: console=ttyS0 deferred_probe_timeout=10
[    0.310000] probe of 2000000.clock-controller returned 0 after 1200 usecs
[    0.500000] probe of 2120000.i2c returned -517 after 12 usecs
[    0.510000] probe of 4000000.ethernet returned -517 after 10 usecs
[    0.520000] probe of 4010000.mmc returned -517 after 10 usecs
[    0.900000] probe of 5000000.display returned -517 after 10 usecs
[    3.000000] probe of 2120000.i2c returned 0 after 2300 usecs
[    3.010000] probe of 2-0040 returned -517 after 40 usecs
[   11.200000] probe of 2-0040 returned 0 after 412000 usecs
[   11.300000] probe of 4000000.ethernet returned 0 after 5000 usecs
[   11.310000] probe of 4010000.mmc returned 0 after 5000 usecs
[   11.900000] platform 6000000.camera: deferred probe pending: wait for supplier /soc@0/clock-controller@2010000
[   12.400000] probe of 5000000.display returned 0 after 9000 usecs
END
slack() { # slack LOG: name and slack_ns of devices that have one, then why none has
	run timeline "$demo" --drivers "$drivers" --log "$1" --json
	[ $status = 0 ] || wrong "timeline --log $1: $(cat err)"
	python3 "$here/schema.py" "$top/docs/json.md" report out >> wrong || wrong "timeline --log $1 --json"
	python3 -c '
import json
doc = json.load(open("out"))
for dev in doc["devices"]:
    if dev["slack_ns"] is not None:
        print(dev["name"], dev["slack_ns"], dev["measured"]["bound_ns"], dev["measured"]["deferred_ns"])
print(doc["measured"]["timeout_ns"], doc["measured"]["slack"], doc["measured"]["problem"])' > slack 2>> wrong
}
slack slack.log
cmp -s - slack <<'END' || wrong "slack: $(cat slack)"
2120000.i2c 8900000000 3000000000 500000000
4000000.ethernet 600000000 11300000000 510000000
4010000.mmc 590000000 11310000000 520000000
5000000.display -500000000 12400000000 900000000
2120000.i2c:pmic@40 700000000 11200000000 3010000000
11900000000 5 None
END
grep -v "pending" slack.log > quiet.log
slack quiet.log
grep -q "^None 0 the log does not say when deferred_probe_timeout was over" slack || wrong "no end: $(cat slack)"
sed '/2300 usecs/i [    1.500000] Extended deferred probe timeout by 10 secs' quiet.log > extended.log
slack extended.log
grep -q "^4010000.mmc 190000000 " slack || wrong "the end that was announced: $(cat slack)"
sed 's/^\[[^]]*\] //' slack.log > untimed.log
slack untimed.log
grep -q "^None 0 the log has no time stamps" slack || wrong "no times: $(cat slack)"
grep -v "returned 0" slack.log > unbound.log
slack unbound.log
grep -q "^11900000000 0 the log does not say when devices were bound" slack || wrong "no binds: $(cat slack)"
run timeline "$demo" --drivers "$drivers" --log slack.log -o t.trace.json
python3 - <<'END' 2>> wrong || wrong "slack is not in the trace"
import json
events = [e for e in json.load(open('t.trace.json'))['traceEvents'] if e['pid'] == 2]
names = {e['tid']: e['args']['name'] for e in events if e['name'] == 'thread_name'}
spans = {(names[e['tid']], e['name']): (e['ts'], e['dur']) for e in events if e['ph'] == 'X'}
near = lambda a, b: all(abs(x - y) < 1 for x, y in zip(a, b))
assert near(spans['4010000.mmc', 'waits'], (520000, 10790000)), spans
assert near(spans['4010000.mmc', 'slack'], (11310000, 590000)), spans
assert ('5000000.display', 'slack') not in spans
assert [e for e in events if e['name'] == 'deferred_probe_timeout' and e['ph'] == 'i']
END
run graph "$demo" --drivers "$drivers" --log slack.log
grep -q 'tooltip="up, driver weir-sdhci; measured slack 0.590 s"' out || wrong "graph: $(grep mmc out)"
run timeline "$demo" --drivers "$drivers" --log slack.log
grep -q '<title>up, driver weir-sdhci; measured slack 0.590 s</title>' out || wrong "svg: $(grep mmc out)"
refuses "no kernel message" timeline "$demo" --log "$drivers"
refuses "No such file" graph "$demo" --log nowhere.log
result "slack: from measured times alone, in JSON, trace and drawings"

run graph "$demo" 6000000.camera --drivers "$drivers"
[ "$(grep -c 'fillcolor' out)" -lt 21 ] || wrong "all of it: $(cat out)"
grep -q 'penwidth=3' out || wrong "the device is not marked: $(cat out)"
PATH=$work/nothing "$weir" graph "$demo" --drivers "$drivers" --format svg > out 2> err &&
	wrong "Graphviz is missing, and nothing is said"
grep -q "graphviz" err || wrong "what is missing is not said: $(cat err)"
result "graph: all, one device, laid out by Graphviz or not"

refuses "not one of svg, html, trace, json" timeline "$demo" --format dot
refuses "not one of dot, svg, html, json" graph "$demo" --format trace
refuses "one board is needed" timeline
refuses "one board is needed" timeline "$demo" camera
refuses "no-such-directory" timeline "$demo" -o no-such-directory/out.svg
refuses "is no device" graph "$demo" /regulator-modem --drivers "$drivers"
result "timeline and graph: bad usage"

run timeline "$demo" --drivers "$drivers" --output report.html
[ $status = 0 ] || wrong "report: $(cat err)"
grep -Eq "(src|href)=[\"']?(https?:)?//|@import|url\(" report.html && wrong "the report fetches something"
browse() { # browse REPORT [SCRIPT]
	{ cat "$1"; echo '<script>'; cat "${2:-$here/report.js}"; echo '</script>'; } > tried.html
	timeout 100 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/profile" --window-size=1200,800 \
		--virtual-time-budget=8000 --dump-dom "file://$work/tried.html" > dom 2> chromium.log
	grep -o 'data-wrong="[^"]*"' dom > said || wrong "the browser says nothing: $(tail -n 3 chromium.log)"
	grep -q 'data-wrong="nothing"' said || wrong "$(cat said)"
}
# browsed NAME REPORT [SCRIPT]: a result, or that it was left out
browsed() {
	name=$1
	shift
	if command -v chromium > /dev/null; then
		browse "$@"
		result "$name"
	elif [ -s wrong ]; then
		result "$name"
	else
		number=$((number + 1))
		echo "ok $number # SKIP $name: no chromium"
	fi
}
browsed "the report in a browser: search, click, root cause, keys, filters, both colour schemes" report.html

run timeline "$demo" --drivers "$drivers" --log slack.log --output measured.html
[ $status = 0 ] || wrong "report: $(cat err)"
browsed "the report in a browser: slack, sorted, and along it to what the others waited for" measured.html

# 2,000 devices: only rows in view are there, at the top, at the end, and when a search has few
{
	echo '/dts-v1/; / { c: clock { compatible = "a,clk"; #clock-cells = <0>; };'
	seq 1999 | sed 's/.*/d&@& { compatible = "a,dev"; reg = <&>; clocks = <\&c>; };/'
	echo '};'
} > many.dts
compile many.dts many.dtb
run timeline many.dtb --output many.html
[ $status = 0 ] || wrong "report: $(cat err)"
cat > many.js <<'END'
addEventListener('load', async () => {
	const wrong = [], wait = () => new Promise(done => setTimeout(done, 50));
	const check = (ok, what) => { if (!ok) wrong.push(what); };
	const count = () => $('rows').children.length;
	check(devices.length === 2000 && shown.length === 2000, 'devices: ' + devices.length);
	check(count() > 5 && count() < 120, 'rows: ' + count());
	const box = $('rows').parentElement;
	box.scrollTop = box.scrollHeight; box.dispatchEvent(new Event('scroll')); await wait();
	check(count() > 5 && count() < 120, 'rows at the end: ' + count());
	check(/1999/.test($('rows').textContent), 'the end is not shown: ' + $('rows').textContent.slice(0, 100));
	$('search').value = 'd1234'; $('search').dispatchEvent(new Event('input')); await wait();
	check(shown.length === 1 && count() === 1, 'search: ' + shown.length + ', ' + count());
	document.body.setAttribute('data-wrong', wrong.join(' | ') || 'nothing');
});
END
browsed "the report in a browser: 2,000 devices, of which those in view have rows" many.html many.js
