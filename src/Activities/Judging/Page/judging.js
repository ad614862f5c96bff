"use strict";
(() => {
  const { data, axis, frame, variable } = page;

  // A bar a line with its interval as a whisker.
  function intervals(lines, label, value, low, high, extra) {
    const names = lines.map(label);
    return frame({
      legend: { show: false },
      grid: { top: 12, left: 30, right: 24, bottom: 8, containLabel: true },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, formatter: items => {
        const line = lines[items[0].dataIndex];
        return names[items[0].dataIndex] + "\n" + value(line).toFixed(3) + (low(line) == null ? "" : "  [" + low(line).toFixed(3) + ", " + high(line).toFixed(3) + "]");
      } },
      xAxis: axis({ type: "value", ...extra }),
      yAxis: axis({ type: "category", inverse: true, data: names, splitLine: { show: false } }),
      series: [
        { type: "bar", barMaxWidth: 26, data: lines.map(value), itemStyle: { color: variable("--accent"), opacity: 0.75 }, markLine: extra.line == null ? undefined : { symbol: "none", silent: true, label: { show: false }, lineStyle: { color: variable("--mute"), type: "dashed" }, data: [{ xAxis: extra.line }] } },
        { type: "custom", silent: true, encode: { x: [0, 1], y: 2 }, data: lines.map((l, i) => [low(l), high(l), i]).filter(d => d[0] != null), renderItem: (params, api) => {
          const [from, to] = [api.coord([api.value(0), api.value(2)]), api.coord([api.value(1), api.value(2)])];
          const style = { stroke: variable("--ink"), lineWidth: 1.5, fill: null };
          const tick = x => ({ type: "line", shape: { x1: x, y1: from[1] - 5, x2: x, y2: from[1] + 5 }, style });
          return { type: "group", children: [{ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style }, tick(from[0]), tick(to[0])] };
        } },
      ],
    });
  }

  page.start({
    drawings: {
      pairs: () => intervals(data.pairs.filter(p => p.winRate != null).sort((a, b) => b.winRate - a.winRate), p => p.model + " – " + p.other + " (" + p.judge + ")", p => p.winRate, p => p.low, p => p.high, { min: 0, max: 1, line: 0.5 }),
      scores: () => intervals(data.singles.filter(s => s.mean != null).sort((a, b) => b.mean - a.mean), s => s.model + " (" + s.judge + ")", s => s.mean, s => s.low, s => s.high, { min: 0, max: 5 }),
    },
  });
})();
