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
if command -v chromium > /dev/null; then
	{ cat report.html; echo '<script>'; cat "$here/report.js"; echo '</script>'; } > tried.html
	timeout 100 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/profile" --window-size=1200,800 \
		--virtual-time-budget=8000 --dump-dom "file://$work/tried.html" > dom 2> chromium.log
	grep -o 'data-wrong="[^"]*"' dom > said || wrong "the browser says nothing: $(tail -n 3 chromium.log)"
	grep -q 'data-wrong="nothing"' said || wrong "$(cat said)"
else
	echo "# no chromium: the report is not opened"
fi
result "the report in a browser: search, click, root cause, keys, filters, both colour schemes"
