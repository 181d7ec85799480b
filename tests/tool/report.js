// SPDX-License-Identifier: MIT
// Run in the report itself, in a real browser: search, click, root cause, keys, filters. What is wrong
// is written into the page, which the browser prints.
'use strict';
addEventListener('load', async () => {
	const wrong = [], wait = () => new Promise(done => setTimeout(done, 30));
	const check = (ok, what) => { if (!ok) wrong.push(what); };
	const key = (k, on) => (on || document.body).dispatchEvent(new KeyboardEvent('keydown', { key: k, bubbles: true, cancelable: true }));
	const type = text => { $('search').value = text; $('search').dispatchEvent(new Event('input')); };
	const detail = () => $('detail').textContent;
	try {
		check(detail().includes('root cause'), 'no overview: ' + detail().slice(0, 80));
		check(document.querySelectorAll('.cause').length >= 1, 'no root cause is shown');
		type('modem');
		check($('rows').children.length >= 1, 'search finds nothing');
		check([...$('rows').children].every(r => r.title.includes('modem')), 'search finds other things');
		$('rows').children[$('rows').children.length - 1].click(); await wait();
		check(detail().includes('waits for its regulator'), 'clicked, and no verdict: ' + detail().slice(0, 120));
		check($('root') && $('root').textContent.includes('/regulator-modem'), 'no root cause: ' + detail().slice(0, 300));
		check(location.hash.includes('modem'), 'no address of its own');
		type('6000000.camera'); key('Enter', $('search')); await wait();
		check(selected >= 0 && devices[selected].name === '6000000.camera', 'Enter does not take the first');
		check(devices[selected].iommu === 'untranslated' && detail().includes('NOT translated'), 'untranslated DMA is not said');
		check(detail().includes('What happened'), 'no events');
		const needs = [...document.querySelectorAll('.cols ul.links a')];
		check(needs.length >= 1, 'no suppliers to click');
		needs[0].click(); await wait();
		check(devices[selected].name !== '6000000.camera', 'a click on a supplier leads nowhere');
		history.back(); await wait(); await wait();
		check(devices[selected].name === '6000000.camera', 'back leads elsewhere');
		type(''); const before = selected; key('ArrowDown'); await wait();
		check(selected !== before, 'the arrow key moves nothing');
		key('Escape'); await wait();
		check(selected === -1, 'Escape does not lead to the overview');
		key('/'); check(document.activeElement === $('search'), '/ does not lead to the search');
		document.querySelector('[data-state=waiting]').click();
		check(shown.length === D.counts.waiting, 'filter: ' + shown.length + ' of ' + D.counts.waiting);
		check($('rows').children.length < 120, 'rows out of sight exist');
		key('Escape'); await wait();
		document.querySelector('[data-state=all]').click();
		const mmu = D.iommus.find(i => devices.some(d => d.iommus.includes(i)));
		$('iommu').value = mmu; $('iommu').dispatchEvent(new Event('change'));
		check(shown.length >= 1 && shown.length < devices.length && shown.every(i => devices[i].iommus.includes(mmu)) &&
			shown.length === devices.filter(d => d.iommus.includes(mmu)).length, 'filter by IOMMU: ' + shown.length);
		$('iommu').value = ''; $('iommu').dispatchEvent(new Event('change'));
		check(shown.length === devices.length, 'the filter stays: ' + shown.length);
		if (D.measured) {
			document.querySelector('[data-state=slack]').click();
			const names = shown.map(i => devices[i].name);
			check(names[0] === '5000000.display' && names.length === 5, 'slack is not sorted: ' + names);
			check($('rows').children[0].textContent.includes('0.500 s too late'), 'slack in the list: ' + $('rows').children[0].textContent);
			check(D.measured.deferred.length === document.querySelectorAll('.logged').length, 'how the log ends: ' + detail().slice(0, 900));
			check(document.querySelectorAll('#measured a').length === 5, 'overview: ' + detail().slice(0, 900));
			check(document.querySelectorAll('#measured .slack.missed').length === 1 && document.querySelectorAll('#measured .slack.tight').length === 3, 'colours of slack');
			type('mmc'); $('rows').children[0].click(); await wait();
			check(detail().includes('0.590 s slack before deferred_probe_timeout'), 'slack of one: ' + detail().slice(0, 400));
			const steps = [...document.querySelectorAll('#waited li')];
			check(steps.length === 2 && steps[1].textContent.includes('pmic@40 waited 8.190 s'), 'waited for: ' + ($('waited') || document.body).textContent.slice(0, 300));
			steps[1].querySelector('a').click(); await wait();
			check(devices[selected].name === '2120000.i2c:pmic@40' && $('waited').children.length === 1, 'the root of waiting: ' + detail().slice(0, 300));
			check($('span').textContent.startsWith('measured, 12.400 s'), 'the axis: ' + $('span').textContent);
			$('axis').click();
			check($('span').textContent.startsWith('virtual time'), 'the axis stays: ' + $('span').textContent);
		} else {
			check(detail().includes('times of a real boot are needed'), 'why no slack is known: ' + detail().slice(0, 900));
			check(!document.querySelector('[data-state=slack]'), 'a filter of slack, and none is known');
		}
		const was = getComputedStyle(document.body).backgroundColor;
		$('theme').click();
		check(getComputedStyle(document.body).backgroundColor !== was, 'light and dark are the same');
		check($('canvas').width > 100 && $('canvas').height > 30, 'no timeline');
		const box = $('canvas').getContext('2d').getImageData(0, 0, $('canvas').width, $('canvas').height).data;
		check(new Set(Array.from({ length: box.length / 400 }, (_, i) => box[i * 400])).size > 2, 'the timeline is empty');
	} catch (e) { wrong.push('' + e); }
	document.body.setAttribute('data-wrong', wrong.join(' | ') || 'nothing');
});
