"use strict";
(() => {
  const { data, axis, frame, palette, variable, isDark } = page;
  const title = (...names) => names.join(" · ");
  const unique = names => [...new Set(names)];
  const number = value => value == null ? "" : value >= 0.001 || value === 0 ? value.toFixed(3) : value.toExponential(1);
  const layerName = layer => layer === 0 ? "embedding" : "layer " + layer;

  const curveName = c => title(c.model, c.task, c.language);
  // Those with two languages to compare first.
  const curves = [...data.curves].sort((a, b) => (a.layers[0].allLocal ? 0 : 1) - (b.layers[0].allLocal ? 0 : 1));
  const measures = [
    ["goldEnglish", "right label, English", 0, "solid"], ["goldLocal", "right label, own language", 1, "solid"],
    ["allEnglish", "any label, English", 0, "dashed"], ["allLocal", "any label, own language", 1, "dashed"],
  ];

  function lens(name) {
    const curve = curves.find(c => curveName(c) === name);
    const colours = palette();
    const shown = measures.filter(([key]) => curve.layers[0][key]);
    const labels = curve.layers.map(l => String(l.layer));
    const most = Math.max(...curve.layers.map(l => l.entropy.mean)) || 1;
    const band = (key, colour, value) => ({ name: "band " + key, type: "line", stack: key, stackStrategy: "all", symbol: "none", silent: true, lineStyle: { opacity: 0 }, color: colour, data: curve.layers.map(value) });
    const category = extra => axis({ type: "category", data: labels, splitLine: { show: false }, ...extra });
    const single = curve.layers.length === 1;
    return frame({
      legend: { top: 0, left: 0, type: "scroll", textStyle: { color: variable("--ink") }, data: shown.map(m => m[1]) },
      grid: [{ top: 40, left: 52, right: 20, bottom: 108 }, { left: 52, right: 20, bottom: 46, height: 26 }],
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      tooltip: { trigger: "axis", formatter: items => {
        const layer = curve.layers[items[0].dataIndex];
        return ["layer " + layer.layer, ...shown.map(([key, text]) => text + "  " + number(layer[key].mean) + "  [" + number(layer[key].low) + ", " + number(layer[key].high) + "]"),
          "entropy  " + layer.entropy.mean.toFixed(2) + " bits  [" + layer.entropy.low.toFixed(2) + ", " + layer.entropy.high.toFixed(2) + "]"].join("\n");
      } },
      xAxis: [category({ boundaryGap: true, axisLabel: { show: false } }), category({ gridIndex: 1, name: "layer; strip: entropy, " + most.toFixed(1) + " bits at its strongest", nameLocation: "middle", nameGap: 28 })],
      yAxis: [axis({ type: "value", min: 0 }), axis({ gridIndex: 1, type: "value", max: 1, show: false })],
      series: [
        ...shown.flatMap(([key, text, colour, style]) => [
          band(key, colours[colour], l => l[key].low),
          { ...band(key, colours[colour], l => l[key].high - l[key].low), areaStyle: { color: colours[colour], opacity: 0.16 } },
          { name: text, type: "line", color: colours[colour], symbol: style === "solid" ? "circle" : "emptyCircle", symbolSize: single ? 10 : 6, lineStyle: { width: 2.5, type: style }, data: curve.layers.map(l => l[key].mean), z: 5 },
        ]),
        { name: "entropy", type: "bar", xAxisIndex: 1, yAxisIndex: 1, barCategoryGap: "0%", data: curve.layers.map(l => ({ value: 1, itemStyle: { color: variable("--accent"), opacity: 0.06 + 0.94 * l.entropy.mean / most } })) },
      ],
    });
  }

  const groupName = entry => title(entry.model, entry.task);

  function pairs(name) {
    const mine = data.pairs.filter(p => groupName(p) === name);
    const layers = unique(mine.map(p => p.layer));
    return frame({
      grid: { top: 40, left: 30, right: 20, bottom: 34, containLabel: true },
      tooltip: { trigger: "axis", valueFormatter: value => value == null ? "–" : value.toFixed(3) },
      xAxis: axis({ type: "category", data: layers.map(layerName), splitLine: { show: false } }),
      yAxis: axis({ type: "value", min: -1, max: 1, name: "Pearson's r", nameLocation: "middle", nameGap: 36 }),
      series: unique(mine.map(p => p.pair)).map(pair => ({ name: pair, type: "line", symbolSize: 7, lineStyle: { width: 2.5 }, data: layers.map(l => (mine.find(p => p.pair === pair && p.layer === l) || {}).r ?? null) })),
    });
  }

  // A plane a layer, side by side.
  const element = document.querySelector("[data-chart=components]");
  const across = () => Math.max(1, Math.min(4, Math.floor(element.clientWidth / 250)));
  const planes = name => data.components.filter(c => groupName(c) === name);
  const groups = unique(data.components.map(groupName));
  const row = 250;
  if (element && groups.length) element.style.height = (46 + row * Math.ceil(Math.max(...groups.map(g => planes(g).length)) / across())) + "px";

  function components(name) {
    const mine = planes(name);
    const columns = across();
    const width = 100 / columns;
    const languages = unique(mine.flatMap(c => c.languages.map(l => l.language)));
    const colours = palette();
    const shapes = ["circle", "triangle", "rect", "diamond"];
    const place = (i, extra) => ({ left: (i % columns) * width + 0.6 + "%", top: 46 + row * Math.floor(i / columns), ...extra });
    const hidden = i => axis({ gridIndex: i, type: "value", scale: true, axisLabel: { show: false }, axisTick: { show: false }, splitLine: { show: false }, axisLine: { show: true, onZero: false, lineStyle: { color: variable("--line") } } });
    return frame({
      title: mine.map((c, i) => place(i, { text: layerName(c.layer) + (c.explained.length ? "  " + c.explained.map(e => Math.round(100 * e) + "%").join(" + ") : ""), textStyle: { color: variable("--soft"), fontSize: 12, fontWeight: "normal" } })),
      grid: mine.map((c, i) => place(i, { top: 46 + row * Math.floor(i / columns) + 24, width: width - 1.6 + "%", height: row - 46, show: true, borderColor: variable("--line") })),
      xAxis: mine.map((c, i) => hidden(i)),
      yAxis: mine.map((c, i) => hidden(i)),
      tooltip: { trigger: "item", formatter: p => p.seriesName + ", row " + p.value[2] },
      series: mine.flatMap((c, i) => languages.map((language, n) => ({
        name: language, type: "scatter", xAxisIndex: i, yAxisIndex: i, symbol: shapes[n % 4], symbolSize: 8, color: colours[n % colours.length], itemStyle: { opacity: isDark() ? 0.85 : 0.75 },
        data: (c.languages.find(l => l.language === language) || { points: [] }).points,
      }))),
    });
  }

  page.start({
    drawings: { lens, pairs, components },
    choices: { lens: curves.map(curveName), pairs: unique(data.pairs.map(groupName)), components: groups },
    label: "Shown",
  });
})();
