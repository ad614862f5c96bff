"use strict";
(() => {
  const { data, axis, frame, palette, variable } = page;
  const tasks = [...new Set(data.confidence.map(c => c.task))];
  const number = value => value == null ? "–" : value.toFixed(1);
  const grid = { top: 40, left: 30, right: 20, bottom: 34, containLabel: true };
  const scores = extra => axis({ type: "value", min: 0, max: 100, ...extra });

  // Models keep their colour, whichever of them have items in a task.
  function confidence(task) {
    const curves = data.confidence.filter(c => (c.task || "all") === task);
    const colours = palette();
    return frame({
      grid,
      tooltip: { trigger: "axis", formatter: items => ["the surest " + items[0].value[0] + "%", ...items.map(i => i.seriesName + "  " + number(i.value[1]))].join("\n") },
      xAxis: axis({ type: "value", min: 0, max: 100, name: "share of items, surest first (%)", nameLocation: "middle", nameGap: 28 }),
      yAxis: scores({ name: "accuracy", nameLocation: "middle", nameGap: 36 }),
      series: curves.map((c, i) => ({
        name: c.model, type: "line", color: colours[data.models.indexOf(c.model) % colours.length], symbolSize: 5, lineStyle: { width: 2.5 }, data: c.accuracy.map((a, k) => [100 * (k + 1) / c.accuracy.length, a]),
        markLine: i > 0 ? undefined : { symbol: "none", silent: true, label: { formatter: "chance", position: "insideEndBottom", color: variable("--soft") }, lineStyle: { color: variable("--soft"), type: "dashed" }, data: [{ yAxis: c.chance }] },
      })),
    });
  }

  function series() {
    const { overall, languages } = data.growth;
    const band = (value, area) => ({ name: "band", type: "line", stack: "band", stackStrategy: "all", symbol: "none", silent: true, color: variable("--accent"), lineStyle: { opacity: 0 }, areaStyle: area, data: overall.map(o => o && value(o)) });
    return frame({
      grid,
      legend: { top: 0, left: 0, type: "scroll", textStyle: { color: variable("--ink") }, pageTextStyle: { color: variable("--soft") }, data: ["all languages", ...languages.map(l => l.name)] },
      tooltip: { trigger: "axis", formatter: items => {
        const i = items[0].dataIndex;
        return [data.models[i], "all languages  " + (overall[i] ? number(overall[i].score) + "  [" + number(overall[i].low) + ", " + number(overall[i].high) + "]" : "–"), ...languages.map(l => l.name + "  " + number(l.scores[i]))].join("\n");
      } },
      xAxis: axis({ type: "category", data: data.models, splitLine: { show: false } }),
      yAxis: scores({ name: "mean", nameLocation: "middle", nameGap: 36 }),
      series: [
        band(o => o.low), band(o => o.high - o.low, { color: variable("--accent"), opacity: 0.16 }),
        { name: "all languages", type: "line", color: variable("--ink"), symbolSize: 8, lineStyle: { width: 3.5 }, data: overall.map(o => o && o.score), z: 5 },
        ...languages.map(l => ({ name: l.name, type: "line", symbolSize: 6, lineStyle: { width: 1.8 }, data: l.scores })),
      ],
    });
  }

  page.start({ drawings: { confidence, series }, choices: { confidence: tasks.map(t => t || "all") }, label: "Task" });
})();
