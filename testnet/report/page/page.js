"use strict";
(() => {
	const data = JSON.parse(document.getElementById("data").textContent);
	const points = document.getElementById("point"), groups = document.getElementById("group");
	const area = document.getElementById("charts");
	const light = ["#1f6feb", "#c2410c", "#15803d", "#9333ea", "#b45309", "#0e7490", "#be185d", "#4d7c0f", "#4338ca", "#b91c1c", "#0f766e", "#6b7280"];
	const dark = ["#6ea8fe", "#fb923c", "#4ade80", "#c084fc", "#fbbf24", "#22d3ee", "#f472b6", "#a3e635", "#818cf8", "#f87171", "#2dd4bf", "#9ca3af"];
	const isDark = window.matchMedia("(prefers-color-scheme: dark)");
	const all = "all";
	let drawn = [];

	const add = (parent, name, text) => {
		const e = document.createElement(name);
		if (text !== undefined) e.textContent = text;
		parent.appendChild(e);
		return e;
	};
	const option = (select, value, text) => { add(select, "option", text).value = value; };
	const nameOf = (group) => data.groups[group] === "" ? "all members" : data.groups[group];
	const short = (x) => String(Number(x.toPrecision(4)));
	const sizes = (x) => {
		const names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"];
		let n = 0;
		for (; Math.abs(x) >= 1024 && n < names.length - 1; n++) x /= 1024;
		return short(x) + " " + names[n];
	};
	const shown = { part: (x) => short(x * 100) + " %", bytes: sizes, count: short };

	function choices() {
		if (data.points.length > 1) option(points, all, "all, beside each other");
		data.points.forEach((title, i) => option(points, String(i), title));
		const order = data.groups.map((_, i) => i).sort((a, b) => (data.groups[a] !== "") - (data.groups[b] !== "") || a - b);
		order.forEach((i) => option(groups, String(i), nameOf(i)));
		if (data.groups.length > 1) option(groups, all, "each group, beside each other");
		if (data.points.length === 1 && data.groups.length > 2) groups.value = all;
	}

	// wanted gives the lines of a chart under the choice that was made.
	function wanted(chart) {
		const family = chart.lines.some((l) => l.name);
		const point = family && points.value === all ? "0" : points.value;
		let lines = chart.lines.filter((l) => point === all || l.point === Number(point));
		const whole = data.groups.indexOf("");
		const here = lines.some((l) => l.group !== whole);
		if (groups.value !== all) {
			const group = here ? Number(groups.value) : whole;
			lines = lines.filter((l) => l.group === group);
		}
		return lines.map((l) => {
			const parts = [];
			if (l.name) parts.push(l.name);
			if (groups.value === all && here) parts.push(nameOf(l.group));
			if (point === all) parts.push(data.points[l.point]);
			return { label: parts.join(", ") || nameOf(l.group), ...l };
		});
	}

	// table puts lines with times of their own on one axis.
	function table(lines) {
		const times = [...new Set(lines.flatMap((l) => data.times[l.point]))].sort((a, b) => a - b);
		const at = new Map(times.map((t, i) => [t, i]));
		const spread = (l, values) => {
			const out = new Array(times.length).fill(null);
			values.forEach((v, i) => { out[at.get(data.times[l.point][i])] = v; });
			return out;
		};
		return { days: times.map((t) => t / 86400), spread };
	}

	function draw(box, chart) {
		const lines = wanted(chart);
		box.hidden = lines.length === 0;
		if (box.hidden) return;
		const colors = isDark.matches ? dark : light, style = getComputedStyle(document.body);
		const ink = style.getPropertyValue("--soft").trim(), grid = style.getPropertyValue("--line").trim();
		const show = shown[chart.unit], { days, spread } = table(lines);
		const series = [{ label: "day", value: (_, v) => v === null || v === undefined ? "–" : short(v) }], columns = [days], bands = [];
		const value = (_, v) => v === null || v === undefined ? "–" : show(v);
		lines.forEach((l, i) => {
			const color = colors[i % colors.length];
			series.push({ label: l.label, stroke: color, width: 2, value, spanGaps: true, dash: i >= colors.length ? [6, 4] : undefined });
			columns.push(spread(l, l.mean));
			if (!l.low) return;
			for (const edge of [l.high, l.low]) {
				series.push({ label: l.label + (edge === l.low ? ", least" : ", most"), class: "edge", stroke: color + "55", width: 1, value, points: { show: false }, spanGaps: true });
				columns.push(spread(l, edge));
			}
			bands.push({ series: [series.length - 2, series.length - 1], fill: color + "22" });
		});
		const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
		drawn.push(new uPlot({
			width: Math.max(box.clientWidth - 26, 200), height: 240, series, bands,
			scales: { x: { time: false }, y: { range: (_, low, high) => low === high ? [low - Math.abs(low || 1) / 10, high + Math.abs(high || 1) / 10] : [low >= 0 && low < high / 2 ? 0 : low - (high - low) / 20, high + (high - low) / 20] } },
			axes: [{ ...axis, values: (_, ticks) => ticks.map(short) }, { ...axis, size: 84, values: (_, ticks) => ticks.map((v) => show(v)) }],
			legend: { live: true },
		}, columns, box));
	}

	function redraw() {
		drawn.forEach((u) => u.destroy());
		drawn = [];
		[...area.children].forEach((box, i) => draw(box, data.charts[i]));
	}

	choices();
	data.charts.forEach((chart) => {
		const box = add(area, "div");
		box.className = "chart";
		add(box, "h3", chart.title);
		if (chart.text) add(box, "p", chart.text);
	});
	points.addEventListener("change", redraw);
	groups.addEventListener("change", redraw);
	isDark.addEventListener("change", redraw);
	let waiting = 0;
	window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 150); });
	redraw();
})();
