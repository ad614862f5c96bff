
"use strict";
(() => {
  const { data, axis, frame, palette, variable, percent, total } = page;
  const number = value => value == null ? "" : value.toLocaleString("en", { maximumFractionDigits: 1 });
  const both = () => [variable("--mute"), variable("--accent")];

  // Room for its name between the labels and the edge of the picture.
  function named(values, name, gap, extra) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const type = low > 0 && high / low > 20 ? { type: "log", min: low / 1.1, max: high * 1.1 } : { type: "value", scale: true };
    return axis({ ...type, name, nameLocation: "middle", nameGap: gap, ...extra });
  }

  function bars(parts, value, format) {
    return frame({
      color: both(),
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: format },
      xAxis: axis({ type: "category", data: parts.map(p => p.name), splitLine: { show: false }, axisLabel: { color: variable("--soft"), interval: 0, width: 150, overflow: "break" } }),
      yAxis: axis({ type: "value", axisLabel: { color: variable("--soft"), formatter: format } }),
      series: [
        { name: "before", type: "bar", barMaxWidth: 42, data: parts.map(p => value(p, "Before")) },
        { name: "after", type: "bar", barMaxWidth: 42, data: parts.map(p => value(p, "After")) },
      ],
    });
  }

  function spread(histogram, name) {
    const share = counts => { const all = total(counts, n => n) || 1; return counts.map(n => n / all); };
    const label = i => number(histogram.edges[i]) + "–" + number(histogram.edges[i + 1]);
    const line = (title, counts, extra) => ({ name: title, type: "line", step: "middle", symbol: "none", data: share(counts), ...extra });
    return frame({
      color: both(),
      tooltip: { trigger: "axis", valueFormatter: percent },
      grid: { top: 40, left: 8, right: 16, bottom: 30, containLabel: true },
      xAxis: axis({ type: "category", data: histogram.before.map((_, i) => label(i)), splitLine: { show: false }, name, nameLocation: "middle", nameGap: 32, axisLabel: { color: variable("--soft"), formatter: text => text.split("–")[0] } }),
      yAxis: axis({ type: "value", axisLabel: { color: variable("--soft"), formatter: percent } }),
      series: [line("before", histogram.before, { areaStyle: { opacity: 0.35 }, lineStyle: { width: 1 } }), line("after", histogram.after, { lineStyle: { width: 2.5 } })],
    });
  }

  const drawings = {
    sources: () => bars(data.chosen.sources, (p, side) => p["share" + side], percent),
    lengths: () => spread(data.lengths, "characters of the instruction"),
    perplexities: () => spread(data.perplexities, "perplexity of the instruction"),
    groups: () => bars(data.chosen.groups, (p, side) => p["share" + side], percent),

    clusters() {
      const most = Math.max(...data.clusters.map(c => c.before));
      const isMeasured = data.clusters.some(c => c.perplexity != null);
      const groups = [...new Set(data.clusters.map(c => c.group))];
      const colours = palette();
      const height = c => isMeasured ? c.perplexity : c.before;
      return frame({
        grid: { top: 40, left: 30, right: 30, bottom: 34, containLabel: true },
        tooltip: { formatter: p => "cluster " + p.data.name + "\n" + number(p.data.before) + " rows, " + number(p.data.after) + " kept\nmean length " + number(p.data.value[0]) + (isMeasured ? "\nmedian perplexity " + number(p.data.value[1]) : "") },
        xAxis: named(data.clusters.map(c => c.length), "mean length", 28),
        yAxis: named(data.clusters.map(height), isMeasured ? "median perplexity" : "rows", 44),
        series: groups.map((group, i) => ({
          name: "length group " + group, type: "scatter", color: colours[i % colours.length], itemStyle: { opacity: 0.65 },
          data: data.clusters.filter(c => c.group === group).map(c => ({
            name: c.group + "/" + c.cluster, before: c.before, after: c.after, value: [c.length, height(c)], symbolSize: 6 + 26 * Math.sqrt(c.before / most),
          })),
        })),
      });
    },

    grid() {
      const methods = [...new Set(data.grid.map(c => c.method))];
      const name = c => "L" + c.lengthGroups + " K" + c.clusters;
      const places = [...new Set(data.grid.map(name))];
      const shares = [...new Set(data.grid.map(c => c.share))].sort((a, b) => a - b);
      const kinds = methods.flatMap(method => shares.map(share => ({ method, share })));
      return frame({
        tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: number },
        xAxis: axis({ type: "category", data: places, splitLine: { show: false } }),
        grid: { top: 40, left: 34, right: 16, bottom: 8, containLabel: true },
        yAxis: axis({ type: "value", name: "rows kept", nameLocation: "middle", nameGap: 44 }),
        series: kinds.map(kind => ({
          name: kind.method + " " + kind.share, type: "bar", barMaxWidth: 30,
          data: places.map(place => (data.grid.find(c => name(c) === place && c.method === kind.method && c.share === kind.share) || {}).after ?? null),
        })),
      });
    },
  };

  page.start({ drawings, tall: ["clusters"] });
})();
